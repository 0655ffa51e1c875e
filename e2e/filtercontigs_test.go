//go:build e2e

package e2e

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

const exampleDir = "../examples/filtercontigs"

// TestAssemblyIsFilteredByAServiceThatComesAndGoes is the whole journey of the
// product: a Python module in a container behind a Connect sidecar is registered,
// woken by a call with a real assembly, goes back to zero, and is woken again.
func TestAssemblyIsFilteredByAServiceThatComesAndGoes(t *testing.T) {
	t.Parallel()
	image, err := servers.PythonImage(t.Context(), "filtercontigs:1.0.0", exampleDir)
	if err != nil {
		t.Fatal(err)
	}
	a := newAgent(t, meshed())
	v := a.register(module{
		name: "FilterContigs", run: fmt.Sprintf("image = %q", image),
		resources: "cpu = 200\n memory = 256\n disk = 100",
		scale:     `idle_after = "3s"`,
		files:     map[string]string{"FilterContigs.spec": exampleDir + "/FilterContigs.spec"},
	})
	wantRegisteredAtZero(t, v, image)

	text := assembly(t)
	const least = 1000
	want := countContigs(text, least)
	r := a.filters(v, text, least, want)
	wantColdStart(t, r)
	t.Logf("%d contigs, %d bytes: cold call %s (%s)", want.Initial, len(text), r.took, r.header.Get("Server-Timing"))
	first := wantOneAllocation(t, v)

	a.goesIdle(v)
	wantScalingEvent(t, v, a.wantDecision(v, service.KindIdle))

	r = a.filters(v, text, least, want)
	wantColdStart(t, r)
	allocs, err := allocations(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	if len(allocs) != 2 || allocs[0].ID == first.ID && allocs[1].ID == first.ID {
		t.Errorf("after the second cold call there were two instances in all, got:%s", list(allocs))
	}
}

// wantRegisteredAtZero checks that the job is there, as it was rendered, and
// nothing of it runs.
func wantRegisteredAtZero(t *testing.T, v service.Version, image string) {
	t.Helper()
	wantCount(t, v, 0)
	j := job(t, v)
	source, _, err := servers.Nomad.Jobs().Submission(*j.ID, int(*j.Version), query(t.Context()))
	if err != nil {
		t.Fatalf("source of the job: %v", err)
	}
	if source.Format != "hcl2" || !strings.Contains(source.Source, image) {
		t.Errorf("source of the job, format %q, does not name the image %s:\n%s", source.Format, image, source.Source)
	}
	allocs, err := allocations(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	if len(allocs) > 0 {
		t.Errorf("a service that nobody called has instances:%s", list(allocs))
	}
}

// wantScalingEvent checks that Nomad's own history tells a decision.
func wantScalingEvent(t *testing.T, v service.Version, d service.Decision) {
	t.Helper()
	if d.From != 1 || d.To != 0 || d.Reason == "" || d.Outcome != "applied" {
		t.Errorf("decision = %+v, want an applied one from 1 to 0 with a reason", d)
	}
	status, _, err := servers.Nomad.Jobs().ScaleStatus(string(v.ID), query(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	events := status.TaskGroups["app"].Events
	if !slices.ContainsFunc(events, func(e nomad.ScalingEvent) bool {
		return e.Count != nil && *e.Count == 0 && e.Message == d.Reason && fmt.Sprint(e.Meta["dynsvc_decision"]) == fmt.Sprint(d.ID)
	}) {
		t.Errorf("Nomad's scaling events do not tell the decision %d, %q: %+v", d.ID, d.Reason, events)
	}
}

// contigs is what filter_contigs counts.
type contigs struct {
	Initial   int    `json:"n_initial_contigs"`
	Removed   int    `json:"n_contigs_removed"`
	Remaining int    `json:"n_contigs_remaining"`
	Bases     int    `json:"n_bases_remaining"`
	FASTA     string `json:"fasta"`
}

// filters calls the module and compares what it gives with what was counted here.
func (a *agent) filters(v service.Version, text string, least int, want contigs) answer {
	a.t.Helper()
	r, err := a.post(a.t.Context(), v, "filter_contigs", map[string]any{"fasta": text, "min_length": least})
	if err := r.good(err); err != nil {
		a.t.Fatal(err)
	}
	var reply struct{ Result []contigs }
	if err := json.Unmarshal(r.body, &reply); err != nil || len(reply.Result) != 1 {
		a.t.Fatalf("filter_contigs answered %.200s (%v)", r.body, err)
	}
	got := reply.Result[0]
	if again := countContigs(got.FASTA, 0); again.Initial != want.Remaining || again.Bases != want.Bases {
		a.t.Errorf("the FASTA that came back has %d contigs and %d bases, want %d and %d", again.Initial, again.Bases, want.Remaining, want.Bases)
	}
	got.FASTA = ""
	if got != want {
		a.t.Errorf("filter_contigs = %+v, want %+v", got, want)
	}
	return r
}

// countContigs counts by itself, line by line, what the module has to find.
func countContigs(text string, least int) (c contigs) {
	length := 0
	end := func() {
		if c.Initial == 0 {
			return
		}
		if length >= least {
			c.Remaining++
			c.Bases += length
		}
		length = 0
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, ">") {
			end()
			c.Initial++
			continue
		}
		length += len(line)
	}
	end()
	c.Removed = c.Initial - c.Remaining
	return c
}

// assembly is that of a Staphylococcus aureus, where it is beside the project,
// and else made up, of the same size.
func assembly(t *testing.T) string {
	t.Helper()
	f, err := os.Open(filepath.FromSlash("../../shared/data/contigs/saureus-spades.fasta.gz"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Log("the assembly is not there; contigs are made up")
		return madeUp()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // read only
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// madeUp is a few large contigs and many small ones, 2.8 million bases.
func madeUp() string {
	var b strings.Builder
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		fmt.Fprintf(&b, ">contig_%d\n", i+1)
		length := 200 + rng.IntN(600)
		if i < 40 {
			length = 20_000 + rng.IntN(100_000)
		}
		for length > 0 {
			n := min(length, 60)
			for range n {
				b.WriteByte("ACGT"[rng.IntN(4)])
			}
			b.WriteByte('\n')
			length -= n
		}
	}
	return b.String()
}

// TestAnErrorOfTheModuleReachesTheCaller checks that what a module says of a bad
// call is passed on as it is.
func TestAnErrorOfTheModuleReachesTheCaller(t *testing.T) {
	t.Parallel()
	image, err := servers.PythonImage(t.Context(), "filtercontigs-errors:1.0.0", exampleDir)
	if err != nil {
		t.Fatal(err)
	}
	a := newAgent(t, plain)
	// A module's runtime answers only to its own name.
	v := a.register(module{name: "FilterContigs", version: "1.0.1", run: fmt.Sprintf("image = %q", image), resources: "cpu = 200\n memory = 256\n disk = 100"})
	text := `{"version": "1.1", "id": "e2e", "method": "FilterContigs.filter_contigs", "params": [{"fasta": "no FASTA", "min_length": 1}]}`
	r, err := a.send(t.Context(), v, http.MethodPost, "/", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var reply struct {
		Error struct{ Message string }
	}
	if err := json.Unmarshal(r.body, &reply); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
	if r.status != http.StatusInternalServerError || !strings.Contains(reply.Error.Message, "not FASTA") {
		t.Errorf("status %d, error %q; want 500 and why the text is no FASTA", r.status, reply.Error.Message)
	}
}
