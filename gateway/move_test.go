package gateway

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

// A version that never comes up is called after five minutes in any case.
func TestAMoveEndsAfterItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const from, to service.ID = "dyn-m-00000001", "dyn-m-00000002"
		wakes := 0
		g := New(hclog.NewNullLogger(), wakerFunc(func(context.Context) error {
			wakes++
			return &service.Failure{Cause: service.BadImage, Text: "no such image", Final: true}
		}), Options{})
		g.try = func(context.Context, *machine, *endpoint) error { return nil }
		ctx, stop := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- g.Run(ctx) }()
		mod := service.Module{Name: "M", Versions: []service.Version{{ID: to, Module: "M", Version: "2.0.0"}, {ID: from, Module: "M", Version: "1.0.0"}}}
		mod.Tags = map[string]service.ID{"release": from}
		g.Publish(mod)
		g.Apply(service.State{ID: from, Count: 1, Endpoints: []service.Endpoint{{Alloc: "a", Addr: "10.0.0.1:1"}}})
		synctest.Wait()
		mod.Tags = map[string]service.ID{"release": to}
		g.Publish(mod)
		pick := func() service.ID {
			n, err := g.resolve("M", "")
			if err != nil {
				t.Fatal(err)
			}
			got, _ := n.pick(nil)
			return got.version.ID
		}
		for began := time.Now(); time.Since(began) < MoveLimit; <-time.After(time.Second) {
			if got := pick(); got != from {
				t.Fatalf("%s after %s", got, time.Since(began))
			}
			synctest.Wait()
		}
		<-time.After(time.Second)
		if got := pick(); got != to {
			t.Errorf("%s after the limit", got)
		}
		if wakes < 3 || wakes > 10 {
			t.Errorf("%d wakes with a back-off that doubles from %s", wakes, firstBackoff)
		}
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
}
