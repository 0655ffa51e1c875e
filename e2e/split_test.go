//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// sharing starts agents that share a data folder and a lock: the first comes to lead.
// The last one of n is a gateway.
func sharing(t *testing.T, n int) []*agent {
	t.Helper()
	agents := make([]*agent, n)
	for i := range agents {
		a := unstarted(t)
		agents[i] = a
		a.configure(plain)
		text, err := os.ReadFile(a.config())
		if err != nil {
			t.Fatal(err)
		}
		said := strings.ReplaceAll(string(text), a.dir+"/data", agents[0].dir+"/data")
		said = strings.Replace(said, "consul {", "consul {\n  lock = \"dynsvc/"+agents[0].addr+"/leader\"\n ", 1)
		said = strings.Replace(said, servers.ConsulAddr+"\" }", servers.ConsulAddr+"\"\n}", 1)
		if i == n-1 {
			said = "role = \"gateway\"\n" + said
		}
		if err := os.WriteFile(a.config(), []byte(said), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if a.running() {
				a.signal(syscall.SIGTERM)
				if err := a.wait(60 * time.Second); err != nil {
					t.Errorf("agent %d, told to stop, ended with %v", i, err)
				}
			}
			if t.Failed() {
				t.Logf("end of agent %d's log:\n%s", i, a.tail())
			}
		})
		a.start()
	}
	return agents
}

// TestAnAgentThatStandsByTakesOver has two agents and a gateway. Calls come through
// the gateway all the time while the leader is told to stop, and while the next one is
// killed: none fails, whoever answers.
func TestAnAgentThatStandsByTakesOver(t *testing.T) {
	t.Parallel()
	all := sharing(t, 3)
	one, two, front := all[0], all[1], all[2]
	v := front.register(program("Shared", "", "max = 1\n idle_after = \"5m\""))
	cold := front.register(program("SharedCold", "", "max = 1\n idle_after = \"5m\""))
	front.calls(v)
	if !strings.Contains(one.log(), "leads") || strings.Contains(two.log(), "dynsvc.split: leads") {
		t.Error("the first one is to lead, and no other")
	}

	ctx, stop := context.WithCancel(t.Context())
	var calls, failed atomic.Int64
	var slowest atomic.Int64
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for ctx.Err() == nil {
				_, r, err := front.said(t.Context(), v)
				calls.Add(1)
				if err != nil {
					failed.Add(1)
					t.Errorf("call %d: %v", calls.Load(), err)
				}
				slowest.Store(max(slowest.Load(), int64(r.took)))
			}
		})
	}
	leads := func(a *agent) {
		t.Helper()
		waitFor(t, "the other agent to lead", 30*time.Second, func(context.Context) error {
			if !strings.Contains(a.log(), "dynsvc.split: leads") {
				return fmt.Errorf("its log:\n%s", a.log())
			}
			return nil
		})
	}
	began := time.Now()
	one.signal(syscall.SIGTERM)
	leads(two)
	t.Logf("handed over after %s", time.Since(began).Round(time.Millisecond))
	if err := one.wait(40 * time.Second); err != nil {
		t.Errorf("the first one ended with %v", err)
	}
	one.start() // to stand by
	n := calls.Load()
	waitFor(t, "calls to be answered by the second one", 20*time.Second, func(context.Context) error {
		if calls.Load() < n+20 {
			return fmt.Errorf("%d were", calls.Load()-n)
		}
		return nil
	})
	// A call that is being answered is lost with the program that answers it, so
	// nobody calls at the moment of the kill, and everybody right after it.
	stop()
	group.Wait()
	t.Logf("%d calls while the leader changed, the slowest took %s", calls.Load(), time.Duration(slowest.Load()))
	began = time.Now()
	two.kill()
	for _, v := range []service.Version{v, cold} { // one that runs, one that is to be woken
		if _, _, err := front.said(t.Context(), v); err != nil {
			t.Errorf("a call of %s after the leader was killed: %v", v.Module, err)
		}
		t.Logf("%s answered %s after the kill", v.Module, time.Since(began).Round(time.Millisecond))
	}
	wantOneAllocation(t, v)
	wantOneAllocation(t, cold)
	for _, v := range []service.Version{v, cold} {
		if d := front.wantDecision(v, service.KindWake); d.Outcome != "applied" {
			t.Errorf("the wake of %s: %+v", v.Module, d)
		}
	}
}

// TestOtherDataDoNotTakeOver starts a second agent with the same lock and a folder of
// its own: it passes on, says what is wrong, and does not lead when it could.
func TestOtherDataDoNotTakeOver(t *testing.T) {
	t.Parallel()
	all := sharing(t, 2)
	one, front := all[0], all[1]
	other := unstarted(t)
	text, err := os.ReadFile(one.config())
	if err != nil {
		t.Fatal(err)
	}
	said := strings.ReplaceAll(strings.ReplaceAll(string(text), one.addr, other.addr), one.dir, other.dir)
	said = strings.Replace(said, "dynsvc/"+other.addr+"/leader", "dynsvc/"+one.addr+"/leader", 1) // the lock is named after the first one
	if err := os.WriteFile(other.config(), []byte(said), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		other.signal(syscall.SIGTERM)
		if err := other.wait(60 * time.Second); err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
	other.start()
	v := other.register(program("SharedOther", "", ""))
	front.calls(v) // which one.register has not seen but through the other one
	one.signal(syscall.SIGTERM)
	if err := one.wait(40 * time.Second); err != nil {
		t.Errorf("the first one ended with %v", err)
	}
	waitFor(t, "the other one to say why it does not lead", 20*time.Second, func(context.Context) error {
		if said := other.log(); !strings.Contains(said, "led with another data folder") || strings.Contains(said, "dynsvc.split: leads") {
			return fmt.Errorf("its log:\n%s", said)
		}
		return nil
	})
}
