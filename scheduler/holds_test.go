package scheduler_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
)

// says fails unless explain tells so of the count now.
func (w *world) says(want string) {
	w.t.Helper()
	x, err := w.engine.Effective(a)
	if err != nil {
		w.t.Fatal(err)
	}
	if !strings.Contains(x.Now.Reason, want) || x.Now.From != x.Now.To {
		w.t.Errorf("explain says %d -> %d, %q; want that it stays, %q", x.Now.From, x.Now.To, x.Now.Reason, want)
	}
}

// holding opens a service whose single instance would be stopped soon.
func (w *world) holding(opts scheduler.Options) {
	w.t.Helper()
	w.open(version(0), opts) // idle_after is a minute
	w.used()
	w.after(4 * time.Second)
	w.want(1, "wake 0->1 applied")
}

// doubt is why an engine may not lead; nil: it leads.
type doubt struct{ atomic.Pointer[error] }

func (d *doubt) set(err error) { d.Store(&err) }

func (d *doubt) leads() error {
	if err := d.Load(); err != nil {
		return *err
	}
	return nil
}

const soon = 3 * time.Minute // long after idle_after

func TestCountsHoldWhileTheClusterIsSilent(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.holding(scheduler.Options{})
		w.cluster.silence(true)
		w.after(soon)
		w.want(1, "wake 0->1 applied")
		w.says("all counts are held: the cluster has not been heard lately")
		w.cluster.silence(false)
		w.after(4 * time.Second)
		w.want(0, "wake 0->1 applied", "idle 1->0 applied")
	})
}

func TestCountsHoldWhileItIsNotKnownWhoLeads(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		var who doubt
		w.holding(scheduler.Options{Leads: who.leads})
		who.set(service.Errorf(service.ErrUnavailable, "it is not certain that this agent still leads"))
		w.after(soon)
		w.want(1, "wake 0->1 applied")
		w.says("all counts are held: it is not certain that this agent still leads")
		// Nobody waits for an election: a call wakes what sleeps.
		w.cluster.put(a, 0)
		if err := w.engine.Wake(t.Context(), a); err != nil || w.cluster.count(a) != 1 {
			t.Errorf("a wake in doubt: %v, count %d", err, w.cluster.count(a))
		}
		who.set(nil)
		w.ready(nil)
		w.after(soon)
		if n := w.cluster.count(a); n != 0 {
			t.Errorf("count = %d once it leads again, want 0", n)
		}
	})
}

// A change that was decided before the doubt is not asked of the cluster in it.
func TestADecisionDoesNotOutliveTheLead(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		var who doubt
		w.holding(scheduler.Options{Leads: who.leads, StopGrace: 5 * time.Minute})
		w.gate.call(a, true, false) // the drain takes its time
		w.after(soon)
		who.set(service.Errorf(service.ErrUnavailable, "another one leads"))
		w.gate.call(a, false, false)
		w.after(10 * time.Minute)
		if n := w.cluster.count(a); n != 1 {
			t.Errorf("count = %d, changed by an engine that does not lead", n)
		}
	})
}

func TestCountsHoldWhileUsageCannotBeRead(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.holding(scheduler.Options{})
		if err := w.db.Close(); err != nil {
			t.Fatal(err)
		}
		w.after(soon)
		if n := w.cluster.count(a); n != 1 {
			t.Errorf("count = %d", n)
		}
		w.says("all counts are held: usage cannot be read")
		w.end()
		w.db = openStore(t, 1) // for the end of the test
	})
}

// Samples that are missing are not calls that are missing: what the gateway sees
// now still counts.
func TestEmptySamplesStopNothingThatIsInUse(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.holding(scheduler.Options{})
		until := time.Now().Add(time.Hour)
		for time.Now().Before(until) {
			w.ready(func(l *service.Load) { l.InFlight = 1 }) // one call that streams
			w.after(30 * time.Second)
		}
		w.want(1, "wake 0->1 applied")
		w.says("1 calls in flight")
	})
}

// An agent that starts finds a count that it does not know the reason of, and
// nothing that was called: it waits as long as for any other.
func TestARestartStopsNothingAtOnce(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.holding(scheduler.Options{})
		w.end()
		w.gate.put(service.Load{ID: a, Phase: service.Ready, Ready: 1, Since: time.Now()}) // the gateway is new, too
		w.open(version(0), scheduler.Options{})
		w.after(30 * time.Second)
		w.want(1, "wake 0->1 applied")
		w.says("kept until idle_after")
		w.after(time.Minute)
		w.want(0, "wake 0->1 applied", "idle 1->0 applied")
	})
}

// jump is a tick at another time than that of the world.
func (w *world) jump(by time.Duration) {
	w.t.Helper()
	scheduler.Tick(w.engine, w.t.Context(), time.Now().Add(by))
}

// A clock that is set makes nothing of what it skips: forward it brings idle times
// to their end, never below what is in use, and back it stops nothing.
func TestClocksThatJump(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		v := version(0)
		w.engine = scheduler.New(w.db, w.cluster, w.gate, hclog.NewNullLogger(), scheduler.Options{})
		w.engine.Publish(service.Module{Name: v.Module, Versions: []service.Version{v}})
		if err := w.engine.Wake(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.ready(func(l *service.Load) { l.InFlight = 12 })
		for _, by := range []time.Duration{0, -time.Hour, -48 * time.Hour, time.Hour, 0, 48 * time.Hour, -time.Minute, 0} {
			w.jump(by)
			w.after(time.Second)
			if n := w.cluster.count(a); n < 1 {
				t.Fatalf("after a jump of %s the count is %d, with 12 calls in flight", by, n)
			}
		}
		n := w.cluster.count(a)
		w.ready(nil) // idle from now on
		for _, by := range []time.Duration{-time.Hour, -48 * time.Hour, -time.Minute} {
			w.jump(by)
			w.after(time.Second)
			if got := w.cluster.count(a); got != n {
				t.Errorf("after a jump back of %s the count is %d, want %d", by, got, n)
			}
		}
	})
}

// A window opens at its edge, not at the next tick: the engine is poked there.
func TestWindowsOpenAtTheirEdge(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		v := version(0)
		v.Scale.Windows = []service.Window{{Name: "noon", Cron: "0 12 * * *", TimeZone: "UTC", Duration: service.Duration{Duration: time.Hour}, Min: 3}}
		w.open(v, scheduler.Options{Tick: 7 * time.Minute})
		edge := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
		if !edge.After(time.Now()) {
			edge = edge.Add(24 * time.Hour)
		}
		w.after(time.Until(edge) - time.Second)
		w.want(0)
		w.after(2 * time.Second)
		w.want(3, "bounds 0->3 applied")
	})
}
