package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// These, if set to a file, make the test program a child that registers or decides
// for ever.
const (
	childRegisters = "STORE_TEST_CHILD"
	childDecides   = "STORE_TEST_CHILD_DECIDES"
)

func TestMain(m *testing.M) {
	for name, forEver := range map[string]func(string) error{childRegisters: registerForEver, childDecides: decideForEver} {
		if path := os.Getenv(name); path != "" {
			fmt.Fprintln(os.Stderr, forEver(path))
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// decideForEver has many callers change the database at the same moment. It prints
// a line for each change after it was acknowledged: its number and its id.
func decideForEver(path string) error {
	g, ctx := errgroup.WithContext(context.Background())
	db, err := store.Open(ctx, path, hclog.NewNullLogger())
	if err != nil {
		return err
	}
	v := version("A", "1.0.0", 1)
	if _, _, err := db.SaveVersion(ctx, store.Registration{Version: v}); err != nil {
		return err
	}
	before, err := db.Decisions(ctx, v.ID, 0, 1)
	if err != nil {
		return err
	}
	var number atomic.Int64
	if len(before) > 0 {
		number.Store(before[0].ID * 2) // beyond what was begun and not acknowledged
	}
	for range 16 {
		g.Go(func() error {
			for {
				n := number.Add(1)
				id, err := db.AddDecision(ctx, service.Decision{Service: v.ID, To: int(n), Kind: service.KindWake, Reason: "a call waits"})
				if err == nil {
					_, err = fmt.Fprintln(os.Stdout, n, id)
				}
				if err != nil {
					return err
				}
			}
		})
	}
	return g.Wait()
}

// The same where changes of many callers become durable together.
func TestKilledProcessLosesNothingOfMany(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dynsvc.db")
	acknowledged := map[int]int64{} // number -> decision
	for round := range 6 {
		killed(t, childDecides, path, 20+57*round%101, acknowledged)

		db := openAt(t, path)
		decisions, err := db.Decisions(t.Context(), version("A", "1.0.0", 1).ID, 0, 1_000_000)
		check(t, err, nil)
		there := map[int]int64{}
		for _, d := range decisions {
			there[d.To] = d.ID
		}
		for n, id := range acknowledged {
			if there[n] != id {
				t.Errorf("decision %d was acknowledged as %d and is there as %d", n, id, there[n])
			}
		}
		whole(t, db)
		if t.Failed() {
			return
		}
	}
}

// registerForEver prints a line for each round of changes after they were
// acknowledged: the number of the contents and the id of the decision.
func registerForEver(path string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, path, hclog.NewNullLogger())
	if err != nil {
		return err
	}
	first := 0
	if err := db.AllModules(ctx, func(m service.Module) error {
		first += len(m.Versions)
		return nil
	}); err != nil {
		return err
	}
	for i := first; ; i++ {
		v := version("A", fmt.Sprintf("1.%d.0", i), i)
		_, _, err := db.SaveVersion(ctx, store.Registration{Version: v, Tags: []string{"dev", "release"},
			Files: []store.File{{Name: "module.hcl", Content: []byte(v.Version)}}})
		if err != nil {
			return err
		}
		id, err := db.AddDecision(ctx, service.Decision{Service: v.ID, To: i, Kind: service.KindWake, Reason: "a call waits"})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(os.Stdout, i, id); err != nil {
			return err
		}
	}
}

// kill -9 at any moment loses nothing that was acknowledged. (It says nothing
// of a loss of power, which nothing but synchronous=FULL stands for.)
func TestKilledProcessLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dynsvc.db")
	acknowledged := map[int]int64{} // contents -> decision
	for round := range 8 {
		killed(t, childRegisters, path, 5+11*round%17, acknowledged)

		db := openAt(t, path)
		m := module(t, db, "A")
		// The last change may be there without having been acknowledged.
		if n := len(m.Versions); n < len(acknowledged) || n > len(acknowledged)+round+1 {
			t.Fatalf("%d versions are there after %d acknowledged ones and %d kills", n, len(acknowledged), round+1)
		}
		if newest := m.Versions[0].ID; m.Tags["release"] != newest || m.Tags["dev"] != newest {
			t.Errorf("tags %v do not belong to the newest version %s: half a registration is there", m.Tags, newest)
		}
		for i, decision := range acknowledged {
			v := version("A", fmt.Sprintf("1.%d.0", i), i)
			got, err := db.Version(t.Context(), v.ID)
			check(t, err, nil)
			v.Released = true
			equal(t, got, v)
			f, err := db.File(t.Context(), v.ID, "module.hcl")
			check(t, err, nil)
			equal(t, string(f.Content), v.Version)
			d, err := db.Decisions(t.Context(), v.ID, 0, 0)
			check(t, err, nil)
			if len(d) != 1 || d[0].ID != decision || d[0].To != i {
				t.Errorf("decisions on %s = %+v, want the one with the id %d", v.ID, d, decision)
			}
		}
		whole(t, db)
		if t.Failed() {
			return
		}
	}
}

// killed starts a child, kills it after so many lines, and notes all it printed.
func killed(t *testing.T, child, path string, lines int, acknowledged map[int]int64) {
	t.Helper()
	self, err := os.Executable()
	check(t, err, nil)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), child+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(t, err, nil)
	check(t, cmd.Start(), nil)
	scan := bufio.NewScanner(out)
	for n := 1; scan.Scan(); n++ {
		a, b, _ := strings.Cut(scan.Text(), " ")
		contents, err := strconv.Atoi(a)
		check(t, err, nil)
		decision, err := strconv.ParseInt(b, 10, 64)
		check(t, err, nil)
		acknowledged[contents] = decision
		if n == lines {
			check(t, cmd.Process.Kill(), nil) // and what is in the pipe counts as well
		}
	}
	check(t, scan.Err(), nil)
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the child ended by itself: %v", err)
	}
}

// whole fails unless SQLite finds the file sound.
func whole(t testing.TB, db *store.DB) {
	t.Helper()
	writer, _ := db.Handles()
	var verdict string
	check(t, writer.QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&verdict), nil)
	if verdict != "ok" {
		t.Errorf("integrity check: %s", verdict)
	}
	var orphans int
	check(t, writer.QueryRowContext(t.Context(), `SELECT count(*) FROM pragma_foreign_key_check`).Scan(&orphans), nil)
	if orphans != 0 {
		t.Errorf("%d rows point at rows that are not there", orphans)
	}
}
