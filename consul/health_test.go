package consul

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

type healthMap = map[service.ID]map[string]service.Check

func echoCheck(status string) api.HealthChecks {
	return api.HealthChecks{{
		ServiceID:   taskPrefix + allocA + "-group-app-dyn-echo-0a1b2c3d-http",
		ServiceName: "dyn-echo-0a1b2c3d", Status: status, Output: "x", ModifyIndex: 2,
	}}
}

// watchHealth runs the watch and returns what it reports.
func watchHealth(t *testing.T, c *Client) <-chan healthMap {
	t.Helper()
	got := make(chan healthMap, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.WatchHealth(ctx, func(m healthMap) { got <- m }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("WatchHealth = %v after its end, want nil", err)
		}
	})
	return got
}

func TestWatchHealthReportsChangesOnly(t *testing.T) {
	f, c := newFake(t)
	got := watchHealth(t, c)
	want := func(state string, w healthMap) {
		t.Helper()
		select {
		case m := <-got:
			if diff := cmp.Diff(w, m); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", state, diff)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: nothing was reported", state)
		}
	}
	echo := func(v service.Check) healthMap { return healthMap{"dyn-echo-0a1b2c3d": {allocA: v}} }

	want("at first", healthMap{})
	f.set(func() { f.checks = echoCheck("passing") })
	want("passing", echo(service.Passing))
	f.set(func() {}) // someone else's check changed: no news for us
	f.set(func() { f.checks = echoCheck("critical") })
	want("critical", echo(service.Critical))
	f.set(func() { f.index, f.checks = 3, echoCheck("passing") }) // servers restored from a snapshot
	want("after a restore", echo(service.Passing))
	f.set(func() { f.fail = http.StatusInternalServerError })
	f.set(func() { f.fail, f.checks = 0, nil })
	want("after errors", healthMap{})
	if !c.Fresh() {
		t.Error("Fresh() = false while consul answers")
	}
}

// transport is a Consul without a network, for tests in a bubble.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWatchHealthForgetsWhatIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		client, err := api.NewClient(&api.Config{Address: "consul", HttpClient: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			if away.Load() {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			if r.URL.Query().Get("index") != "" {
				select {
				case <-time.After(10 * time.Second):
				case <-r.Context().Done():
					return nil, r.Context().Err()
				}
			}
			if away.Load() {
				return nil, fmt.Errorf("reset")
			}
			body := `[{"ServiceID":"` + taskPrefix + allocA + `-group-app-dyn-echo-0a1b2c3d-http","ServiceName":"dyn-echo-0a1b2c3d","Status":"passing"}]`
			return &http.Response{StatusCode: 200, Header: http.Header{"X-Consul-Index": {"5"}}, Body: io.NopCloser(bytes.NewBufferString(body))}, nil
		})}})
		if err != nil {
			t.Fatal(err)
		}
		c := &Client{api: client, address: "consul", log: hclog.NewNullLogger()}
		ctx, cancel := context.WithCancel(t.Context())
		type report struct {
			after time.Duration
			known int
		}
		var got []report
		start := time.Now()
		done := make(chan error)
		go func() {
			done <- c.WatchHealth(ctx, func(m healthMap) { got = append(got, report{time.Since(start), len(m)}) })
		}()
		pause(t.Context(), 2*time.Minute) // quiet, but answering: nothing to forget
		synctest.Wait()
		if len(got) != 1 || !c.Fresh() {
			t.Fatalf("after two quiet minutes: %v, fresh %v, want one report", got, c.Fresh())
		}
		away.Store(true)
		pause(t.Context(), 45*time.Second)
		synctest.Wait()
		if len(got) != 2 || got[1].known != 0 || c.Fresh() {
			t.Fatalf("45 s after consul went: %v, fresh %v, want an empty report", got, c.Fresh())
		}
		away.Store(false)
		pause(t.Context(), 15*time.Second)
		synctest.Wait()
		if len(got) != 3 || got[2].known != 1 || !c.Fresh() {
			t.Fatalf("after consul came back: %v, fresh %v, want the same health again", got, c.Fresh())
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
