package gateway

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

var (
	ada  = service.Caller{Name: "ada", Role: service.User, From: service.FromToken}
	bob  = service.Caller{Name: "bob", Role: service.User, From: service.FromOIDC}
	none = service.Caller{}
)

func TestACallerHasSoManyCallsASecond(t *testing.T) {
	a := newAccounts(CallerLimits{Known: Quota{Rate: 2, Burst: 3}, Anonymous: Quota{Rate: 1}})
	now := time.Now()
	call := func(c service.Caller, addr string) error {
		acc, err := a.enter(c, service.Peer{Addr: addr}, now)
		acc.leave()
		return err
	}
	for i := range 3 {
		if err := call(ada, "10.0.0.1"); err != nil {
			t.Fatalf("call %d of the burst: %v", i, err)
		}
	}
	err := call(ada, "10.0.0.2") // from wherever
	if !errors.Is(err, service.ErrLimited) || statusOf(err) != 429 || retryAfter(err, now) != 1 {
		t.Fatalf("one more: %v, %d, after %d", err, statusOf(err), retryAfter(err, now))
	}
	if err := call(bob, "10.0.0.1"); err != nil {
		t.Errorf("another: %v", err)
	}
	if err := call(service.Operator("admin"), "10.0.0.1"); err != nil {
		t.Errorf("the operator: %v", err)
	}
	now = now.Add(500 * time.Millisecond) // what was refused did not count
	if err := call(ada, "10.0.0.1"); err != nil {
		t.Errorf("half a second later: %v", err)
	}
	if err := call(none, "10.0.0.1"); err != nil {
		t.Errorf("nobody: %v", err)
	}
	if err := call(none, "10.0.0.1"); !errors.Is(err, service.ErrLimited) {
		t.Errorf("nobody, again from there: %v", err)
	}
	if err := call(none, "::1"); err != nil {
		t.Errorf("nobody, from elsewhere: %v", err)
	}
}

func TestACallerHasSoManyCallsInFlight(t *testing.T) {
	a := newAccounts(CallerLimits{Known: Quota{InFlight: 2}})
	now := time.Now()
	first, err := a.enter(ada, service.Peer{Addr: ""}, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.enter(ada, service.Peer{Addr: ""}, now); err != nil {
		t.Fatal(err)
	}
	if _, err := a.enter(ada, service.Peer{Addr: ""}, now); !errors.Is(err, service.ErrLimited) || retryAfter(err, now) != 1 {
		t.Errorf("a third: %v", err)
	}
	first.leave()
	if _, err := a.enter(ada, service.Peer{Addr: ""}, now); err != nil {
		t.Errorf("after one was answered: %v", err)
	}
	if acc, err := a.enter(none, service.Peer{Addr: "10.0.0.1"}, now); err != nil || acc != nil {
		t.Errorf("nobody is not limited: %v", err)
	}
}

// Who runs on this machine is the operator, or a proxy that the operator forgot to
// name; both are spared by limits that nobody has asked for.
func TestCallersOnThisMachineAreSparedIfNobodyAskedForLimits(t *testing.T) {
	local, proxied := service.Peer{Addr: "127.0.0.1", Local: true}, service.Peer{Addr: "127.0.0.1"}
	now := time.Now()
	for _, spare := range []bool{true, false} {
		a := newAccounts(CallerLimits{Anonymous: Quota{Rate: 1, Burst: 1}, SpareLocal: spare})
		for i := range 3 {
			if _, err := a.enter(none, local, now); (err == nil) != (spare || i == 0) {
				t.Errorf("spared %t, call %d: %v", spare, i, err)
			}
		}
	}
	a := newAccounts(CallerLimits{Anonymous: Quota{InFlight: 1}, SpareLocal: true})
	for i, want := range []bool{true, false} { // a proxy says it: no program of this machine
		if _, err := a.enter(none, proxied, now); (err == nil) != want {
			t.Errorf("said by a proxy, call %d: %v", i, err)
		}
	}
}

func TestCallersAreToldApartInBoundedRoom(t *testing.T) {
	a := newAccounts(CallerLimits{Anonymous: Quota{Rate: 1, Burst: 1}})
	now := time.Now()
	size := func() (n int) {
		for i := range a.shards {
			n += len(a.shards[i].by)
		}
		return n
	}
	refused := 0
	for i := range 3 * maxAccounts { // all at once: none of them may be forgotten
		acc, err := a.enter(none, service.Peer{Addr: fmt.Sprintf("a%d", i)}, now)
		acc.leave()
		if err != nil {
			refused++
		}
	}
	if n := size(); n > maxAccounts {
		t.Errorf("%d accounts, more than %d", n, maxAccounts)
	}
	if refused == 0 {
		t.Error("those for whom there is no room have no limit")
	}
	now = now.Add(time.Minute) // all of them are idle, and make room
	if _, err := a.enter(none, service.Peer{Addr: "newcomer"}, now); err != nil {
		t.Errorf("a newcomer: %v", err)
	}
	if _, err := a.enter(none, service.Peer{Addr: "newcomer"}, now); !errors.Is(err, service.ErrLimited) {
		t.Errorf("a newcomer, again: %v", err)
	}
}

func TestNoLimitsCostNothing(t *testing.T) {
	if newAccounts(CallerLimits{}) != nil {
		t.Error("there is a table without limits")
	}
	var a *accounts
	now := time.Now()
	if n := testing.AllocsPerRun(100, func() {
		acc, _ := a.enter(ada, service.Peer{Addr: "10.0.0.1"}, now)
		acc.leave()
	}); n != 0 {
		t.Errorf("%g allocations", n)
	}
}
