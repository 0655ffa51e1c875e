package scheduler_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

const a = service.ID("dyn-a-00000000")

// world is an engine with what is around it, in a bubble of its own time.
type world struct {
	t       *testing.T
	db      *store.DB
	cluster *cluster
	gate    *gate
	engine  *scheduler.Engine
	end     func()
}

// in runs f in a bubble with one registered version that has instances never.
func in(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, cluster: newCluster(a), gate: newGate()}
		w.db = openStore(t, 1)
		f(t, w)
		if w.end != nil {
			w.end()
		}
		if err := w.db.Close(); err != nil {
			t.Error(err)
		}
	})
}

func openStore(t testing.TB, versions int) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "dynsvc.db"), hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	for i := range versions {
		if _, _, err := db.SaveVersion(t.Context(), store.Registration{Version: version(i)}); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// version is the i-th one; the first has the id a.
func version(i int) service.Version {
	name := "a"
	if i > 0 {
		name = fmt.Sprintf("a%d", i)
	}
	digest := fmt.Sprintf("sha256:%08d", i)
	return service.Version{
		ID: service.NewID(name, "", digest), Module: name, Version: "1.0.0", Digest: digest,
		Scale: service.Scale{Max: 10, Concurrency: 10, MaxConcurrency: 50, IdleAfter: service.Duration{Duration: time.Minute}},
	}
}

// open starts an engine for one version, and waits until it has looked once.
func (w *world) open(v service.Version, opts scheduler.Options) {
	w.t.Helper()
	w.engine = scheduler.New(w.db, w.cluster, w.gate, hclog.NewNullLogger(), opts)
	if err := w.engine.Open(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.engine.Publish(service.Module{Name: v.Module, Versions: []service.Version{v}})
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- w.engine.Run(ctx) }()
	w.end = func() {
		w.t.Helper()
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("Run: %v", err)
		}
		w.end = nil
	}
	synctest.Wait()
}

// after lets time go by, with everything that it brings.
func (w *world) after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// decisions are what the store knows, oldest first: "wake 0->1 applied".
func (w *world) decisions() []string {
	w.t.Helper()
	list, err := w.db.Decisions(w.t.Context(), a, 0, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	said := make([]string, len(list))
	for i, d := range list {
		outcome, _, _ := strings.Cut(d.Outcome, ":")
		said[len(list)-1-i] = fmt.Sprintf("%s %d->%d %s", d.Kind, d.From, d.To, outcome)
	}
	return said
}

func (w *world) want(count int, decisions ...string) {
	w.t.Helper()
	synctest.Wait()
	if got := w.cluster.count(a); got != count {
		w.t.Errorf("count = %d, want %d", got, count)
	}
	if diff := cmp.Diff(decisions, w.decisions(), cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("decisions (-want +got):\n%s", diff)
	}
}

// ready is what the gateway says once the first instance answers.
func (w *world) ready(change func(*service.Load)) {
	l := service.Load{ID: a, Phase: service.Ready, Ready: w.cluster.count(a), Since: time.Now(), LastBusy: time.Now()}
	if change != nil {
		change(&l)
	}
	w.gate.put(l)
}

// used brings the service to one instance that has just answered a call.
func (w *world) used() {
	w.t.Helper()
	if err := w.engine.Wake(w.t.Context(), a); err != nil {
		w.t.Fatal(err)
	}
	w.ready(nil)
}

// sample stores five seconds with so many calls in flight.
func (w *world) sample(start time.Time, inFlight int) {
	w.t.Helper()
	const width = 5 * time.Second
	for _, method := range []string{"x", "y"} {
		s := service.Sample{Service: a, Method: method, Start: start, Width: service.Duration{Duration: width}, Busy: time.Duration(inFlight) * width / 2}
		if err := w.db.AddSamples(w.t.Context(), []service.Sample{s}); err != nil {
			w.t.Fatal(err)
		}
	}
}
