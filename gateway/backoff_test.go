package gateway

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

const subject service.ID = "dyn-subject-00000001"

type wakerFunc func(context.Context) error

func (f wakerFunc) Wake(ctx context.Context, _ service.ID) error { return f(ctx) }

func TestABrokenServiceIsTriedAgainAfterABackOffThatDoubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wakes := 0
		fails := true
		var g *Gateway
		g = New(hclog.NewNullLogger(), wakerFunc(func(context.Context) error {
			wakes++
			if fails {
				return errors.New("no room")
			}
			g.Apply(service.State{ID: subject, Count: 1, Endpoints: []service.Endpoint{{Alloc: "a", Addr: "10.0.0.1:80"}}})
			return nil
		}), Options{})
		g.try = func(context.Context, *machine, *endpoint) error { return nil }
		g.Publish(service.Module{Name: "Subject", Versions: []service.Version{{ID: subject, Module: "Subject", Version: "1.0.0"}}})
		m := g.machine(subject)
		call := func() error {
			l, err := m.acquire(t.Context(), 0, 0, m.meters.of(""))
			l.release()
			return err
		}
		refused := func(wantWakes int) {
			t.Helper()
			var start *startError
			if err := call(); !errors.As(err, &start) {
				t.Fatalf("got %v", err)
			}
			if wakes != wantWakes {
				t.Fatalf("%d wakes, want %d", wakes, wantWakes)
			}
		}
		for i, want := range []time.Duration{10, 20, 40, 80, 160, 320, 600, 600} {
			want *= time.Second
			refused(i + 1)
			if got := time.Until(m.again); got != want {
				t.Errorf("back-off %d is %s, want %s", i, got, want)
			}
			<-time.After(want - time.Millisecond)
			refused(i + 1)
			<-time.After(time.Millisecond)
		}
		fails = false
		if err := call(); err != nil {
			t.Fatal(err)
		}
		g.Apply(service.State{ID: subject})
		fails = true
		refused(10)
		if got := time.Until(m.again); got != firstBackoff {
			t.Errorf("back-off after a success is %s", got)
		}
		g.SetStopped(subject, false) // an admin starts it
		refused(11)
		g.shut()
	})
}

func TestAStartThatNobodyHearsOfEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wakes := 0
		g := New(hclog.NewNullLogger(), wakerFunc(func(context.Context) error { wakes++; return nil }), Options{})
		m := g.machine(subject)
		began := time.Now()
		_, err := m.acquire(t.Context(), 0, 0, m.meters.of(""))
		var start *startError
		if !errors.As(err, &start) || time.Since(began) != defaultStartDeadline {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		if wakes < 10 {
			t.Errorf("%d wakes: a count that stays 0 is raised again", wakes)
		}
		g.shut()
	})
}

func TestProbesComeOftenAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(hclog.NewNullLogger(), wakerFunc(nil), Options{})
		var probes atomic.Int64
		g.try = func(context.Context, *machine, *endpoint) error { probes.Add(1); return errors.New("refused") }
		g.Publish(service.Module{Name: "Subject", Versions: []service.Version{{ID: subject, Module: "Subject", Version: "1.0.0"}}})
		g.Apply(service.State{ID: subject, Count: 1, Endpoints: []service.Endpoint{{Alloc: "a", Addr: "10.0.0.1:80"}}})
		for _, tt := range []struct {
			until time.Duration
			want  int
		}{{2 * time.Second, 80}, {10 * time.Second, 240}, {20 * time.Second, 280}} {
			<-time.After(time.Until(g.machine(subject).since.Add(tt.until)))
			synctest.Wait()
			if n := int(probes.Load()); n < tt.want-2 || n > tt.want+2 {
				t.Errorf("%d probes after %s, want %d", n, tt.until, tt.want)
			}
		}
		g.shut()
	})
}
