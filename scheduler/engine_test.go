package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
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

func TestWake(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		for range 3 {
			if err := w.engine.Wake(t.Context(), a); err != nil {
				t.Fatal(err)
			}
		}
		w.want(1, "wake 0->1 applied")
		if err := w.engine.Wake(t.Context(), "dyn-nobody"); !errors.Is(err, service.ErrNotFound) {
			t.Errorf("of a service that is not registered: %v", err)
		}
	})
}

func TestWakeStartsTheMinimum(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		v := version(0)
		v.Scale.Min = 3
		w.cluster.silence(true) // so that no tick comes before
		w.open(v, scheduler.Options{})
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.want(3, "wake 0->3 applied")
	})
}

func TestWakeOfAHerdIsOneStart(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.cluster.slow(10 * time.Millisecond)
		w.open(version(0), scheduler.Options{})
		errs := make(chan error, 50)
		for range cap(errs) {
			go func() { errs <- w.engine.Wake(t.Context(), a) }()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		w.want(1, "wake 0->1 applied")
	})
}

func TestWakeMakesTheJob(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.cluster = newCluster()
		w.open(version(0), scheduler.Options{Ensure: func(_ context.Context, id service.ID) error {
			w.cluster.put(id, 0)
			return nil
		}})
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.want(1, "wake 0->1 applied")
	})
}

func TestWakeDecidesAnewAfterAConflict(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.cluster.put(a, 0) // registered anew, and no tick has seen it
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.want(1, "wake 0->1 not applied", "wake 0->1 applied")
	})
}

func TestWakeLeavesACountThatIsThere(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.cluster.put(a, 2)
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.want(2, "wake 0->1 not applied")
		w.after(3 * time.Second)
		w.want(2, "wake 0->1 not applied", "adopted 0->2 applied")
	})
}

func TestWakeWaitsForADeployment(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.cluster.fail(service.ErrDeploying, service.ErrDeploying, service.ErrDeploying)
		began := time.Now()
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if got, want := time.Since(began), 1750*time.Millisecond; got != want {
			t.Errorf("took %s, want %s", got, want)
		}
		w.want(1, "wake 0->1 applied")
	})
}

func TestWakeEndsWithItsCaller(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.cluster.fail(slices.Repeat([]error{service.ErrDeploying}, 100)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := w.engine.Wake(ctx, a); !errors.Is(err, service.ErrDeploying) {
			t.Errorf("err = %v, want that of the deployment", err)
		}
		w.want(0, "wake 0->1 not applied")
	})
}

func TestWakesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 40
		db := openStore(t, n)
		c := newCluster()
		c.slow(10 * time.Millisecond)
		e := scheduler.New(db, c, newGate(), hclog.NewNullLogger(), scheduler.Options{ColdStarts: 4})
		errs := make(chan error, n)
		for i := range n {
			v := version(i)
			c.put(v.ID, 0)
			e.Publish(service.Module{Name: v.Module, Versions: []service.Version{v}})
			go func() { errs <- e.Wake(t.Context(), v.ID) }()
		}
		for range n {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if c.most != 4 {
			t.Errorf("%d requests at once, want 4", c.most)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestIdleToZero(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.after(59 * time.Second)
		w.want(1, "wake 0->1 applied")
		w.after(4 * time.Second)
		w.want(0, "wake 0->1 applied", "idle 1->0 applied")
		if keep, closed := w.gate.isClosed(a); !closed || keep != 0 {
			t.Errorf("the gate was not closed before: keep %d, %v", keep, closed)
		}
		list, err := w.db.Decisions(t.Context(), a, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := list[0].Reason, "idle for 1m0s, longer than idle_after 1m0s"; got != want {
			t.Errorf("reason %q, want %q", got, want)
		}
	})
}

func TestNeverUsedInstanceGoes(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.after(63 * time.Second)
		w.want(0, "wake 0->1 applied", "idle 1->0 applied")
	})
}

func TestCallBeforeTheCountIsSet(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.gate.call(a, true, false) // draining goes on
		w.after(63 * time.Second)
		if _, closed := w.gate.isClosed(a); !closed {
			t.Fatal("the gate is not closing")
		}
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.want(1, "wake 0->1 applied", "idle 1->0 not applied")
		if _, closed := w.gate.isClosed(a); closed {
			t.Error("the gate was not opened again")
		}
	})
}

func TestGateFindsCalls(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.gate.call(a, false, true)
		w.after(61 * time.Second)
		w.want(1, "wake 0->1 applied", "idle 1->0 not applied")
		if _, closed := w.gate.isClosed(a); closed {
			t.Error("the gate was not opened again")
		}
		w.gate.call(a, false, false)
		w.after(4 * time.Second)
		w.want(0, "wake 0->1 applied", "idle 1->0 not applied", "idle 1->0 applied")
	})
}

func TestCallAfterTheCountIsSet(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.cluster.slow(time.Second)
		w.after(60*time.Second + 500*time.Millisecond) // the cluster is being asked
		if _, closed := w.gate.isClosed(a); !closed {
			t.Fatal("the gate is not closing")
		}
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.want(1, "wake 0->1 applied", "idle 1->0 applied", "wake 0->1 applied")
	})
}

func TestLostWakeIsMadeGood(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.gate.put(service.Load{ID: a, Phase: service.Starting, Queued: 1})
		w.engine.Poke()
		w.after(100 * time.Millisecond)
		w.want(1, "wake 0->1 applied")
	})
}

func TestGrowthAndShrink(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		v := version(0)
		v.Scale.IdleAfter.Duration = time.Hour
		w.open(v, scheduler.Options{})
		w.used()
		// 50 calls in flight for a minute, in buckets as the gateway writes them.
		for range 12 {
			w.ready(func(l *service.Load) { l.InFlight, l.Since = 50, time.Now().Add(-time.Minute) })
			start := time.Now()
			w.after(5 * time.Second)
			w.sample(start, 50)
		}
		w.want(8, "wake 0->1 applied", "load 1->8 applied")
		// Then one at a time: the peak is remembered for five minutes, and the way
		// down goes by halves.
		w.ready(func(l *service.Load) { l.InFlight, l.Since = 1, time.Now().Add(-time.Minute) })
		w.after(4*time.Minute + 50*time.Second)
		if got := w.cluster.count(a); got != 8 {
			t.Errorf("count after nearly 5 min = %d, want 8", got)
		}
		w.after(70 * time.Second)
		if got := w.cluster.count(a); got != 4 {
			t.Errorf("count after 6 min = %d, want 4", got)
		}
		w.after(5 * time.Minute)
		if got := w.cluster.count(a); got != 1 {
			t.Errorf("count in the end = %d, want 1", got)
		}
	})
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

func TestUnknownIsNotZero(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.after(10 * time.Second)
		w.cluster.silence(true)
		w.after(time.Hour)
		w.want(1, "wake 0->1 applied")
		w.cluster.silence(false)
		w.after(3 * time.Second)
		w.want(0, "wake 0->1 applied", "idle 1->0 applied")
	})
}

func TestForeignCountIsAdoptedAndHeld(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.cluster.put(a, 3)
		w.after(9 * time.Minute)
		w.want(3, "adopted 0->3 applied")
		w.after(2 * time.Minute)
		w.want(0, "adopted 0->3 applied", "idle 3->0 applied")
	})
}

func TestForeignZeroKeepsNoCallerOut(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.cluster.put(a, 0)
		w.gate.put(service.Load{ID: a, Phase: service.Starting, Queued: 2})
		w.after(5 * time.Second)
		w.want(1, "wake 0->1 applied", "adopted 1->0 applied", "wake 0->1 applied")
	})
}

// What our own request did is not someone else's change, however late or early
// the watcher tells of it.
func TestOwnChangeIsNotForeign(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.cluster.freeze(true) // the watcher lags
		w.used()
		w.after(10 * time.Second)
		w.want(1, "wake 0->1 applied")
		w.cluster.freeze(false)
		w.after(10 * time.Second)
		w.want(1, "wake 0->1 applied")
	})
}

func TestRegisteringAnewIsNoChange(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.cluster.put(a, 1)
		w.after(10 * time.Second)
		w.want(1, "wake 0->1 applied")
	})
}

func TestConflictIsDecidedAnew(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.cluster.fail(service.Errorf(service.ErrConflict, "moved"))
		w.after(70 * time.Second)
		w.want(0, "wake 0->1 applied", "idle 1->0 not applied", "idle 1->0 applied")
	})
}

func TestShrinkWaitsForADeployment(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.cluster.fail(service.ErrDeploying, service.ErrDeploying)
		w.after(70 * time.Second)
		w.want(0, "wake 0->1 applied", "idle 1->0 applied")
	})
}

func TestCallWhileAShrinkWaitsForADeployment(t *testing.T) {
	calls := map[string]func(w *world){
		"that wakes": func(w *world) {
			if err := w.engine.Wake(w.t.Context(), a); err != nil {
				w.t.Fatal(err)
			}
		},
		"that waits": func(w *world) {
			w.ready(func(l *service.Load) { l.Phase, l.Queued = service.Closing, 1 })
			w.after(10 * time.Second)
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				w.open(version(0), scheduler.Options{})
				w.used()
				w.cluster.fail(slices.Repeat([]error{service.ErrDeploying}, 100)...)
				w.after(62 * time.Second)
				call(w)
				w.want(1, "wake 0->1 applied", "idle 1->0 not applied")
				if _, closed := w.gate.isClosed(a); closed {
					t.Error("the gate was not opened again")
				}
			})
		})
	}
}

func TestClusterErrorsBackOff(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.cluster.fail(slices.Repeat([]error{errors.New("no leader")}, 4)...)
		w.after(60 * time.Second)
		began := time.Now()
		for w.cluster.count(a) > 0 {
			w.after(time.Second)
		}
		if took := time.Since(began); took < 15*time.Second || took > 30*time.Second {
			t.Errorf("took %s, want 1+2+4+8 s, each up to the next tick", took)
		}
		list, err := w.db.Decisions(t.Context(), a, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := list[1].Outcome; !strings.HasSuffix(got, "no leader") {
			t.Errorf("outcome %q does not tell why", got)
		}
	})
}

func TestFailedStart(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		v := version(0)
		v.Scale.Min = 1
		w.open(v, scheduler.Options{})
		fail := func() {
			w.cluster.change(a, func(st *service.State) {
				st.Failure = &service.Failure{Cause: service.NoCapacity, Text: "memory exhausted", Final: true}
			})
		}
		w.want(1, "bounds 0->1 applied")
		fail()
		w.after(2 * time.Second)
		w.want(0, "bounds 0->1 applied", "failed 1->0 applied")
		w.after(9 * time.Second)
		w.want(0, "bounds 0->1 applied", "failed 1->0 applied")
		w.after(3 * time.Second)
		w.want(1, "bounds 0->1 applied", "failed 1->0 applied", "bounds 0->1 applied")
		fail()
		w.after(15 * time.Second)
		if got := w.cluster.count(a); got != 0 {
			t.Error("the pause did not double")
		}
		// A caller is not kept waiting for it, nor an admin.
		if err := w.engine.Start(t.Context(), a, "ada"); err != nil {
			t.Fatal(err)
		}
		if got := w.cluster.count(a); got != 1 {
			t.Errorf("count = %d after a start, want 1", got)
		}
	})
}

func TestCriticalInstancesAreNoCapacity(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		v := version(0)
		v.Scale.Min = 2
		v.Run.Health.StartDeadline.Duration = 20 * time.Second
		w.open(v, scheduler.Options{})
		w.cluster.change(a, func(st *service.State) { st.Endpoints[0].Alloc, st.Endpoints[1].Alloc = "one", "two" })
		w.ready(func(l *service.Load) { l.InFlight, l.Since = 13, time.Now().Add(-time.Minute) })
		w.engine.SetHealth(map[string]service.Check{"one": service.Passing, "two": service.Critical})
		w.after(15 * time.Second)
		w.want(2, "bounds 0->2 applied") // it may still be starting
		w.after(10 * time.Second)
		w.want(3, "bounds 0->2 applied", "load 2->3 applied")
	})
}
