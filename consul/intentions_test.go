package consul

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/consul/api"

	"github.com/dynsvc/dynsvc/service"
)

var (
	ourAllow = api.SourceIntention{Name: GatewayName, Action: "allow", Type: "consul", Description: "dynsvc: calls come through the gateway"}
	ourDeny  = api.SourceIntention{Name: "*", Action: "deny", Type: "consul", Description: "dynsvc: nothing else gets in"}
)

func TestMergeAndStrip(t *testing.T) {
	web := api.SourceIntention{Name: "web", Action: "allow", Type: "consul", Description: "the console"}
	peer := api.SourceIntention{Name: GatewayName, Peer: "west", Action: "allow", Type: "consul"}
	theirAllow := api.SourceIntention{Name: GatewayName, Action: "allow", Type: "consul"}
	theirDeny := api.SourceIntention{Name: GatewayName, Action: "deny", Type: "consul"}
	theirPaths := api.SourceIntention{Name: GatewayName, Type: "consul", Permissions: []*api.IntentionPermission{{Action: "allow"}}}
	theirOpen := api.SourceIntention{Name: "*", Action: "allow", Type: "consul"}
	broken := ourAllow
	broken.Action = "deny"

	type sources []api.SourceIntention
	tests := []struct {
		name     string
		in       sources
		merged   sources
		stripped sources // of merged
		err      error
	}{
		{name: "none", merged: sources{ourAllow, ourDeny}},
		{name: "ours", in: sources{ourAllow, ourDeny}, merged: sources{ourAllow, ourDeny}},
		{name: "half of ours", in: sources{ourDeny}, merged: sources{ourDeny, ourAllow}},
		{name: "ours, changed", in: sources{broken, ourDeny}, merged: sources{ourAllow, ourDeny}},
		{name: "an operator's source", in: sources{web}, merged: sources{web, ourAllow, ourDeny}, stripped: sources{web}},
		{name: "a peer of the same name", in: sources{peer}, merged: sources{peer, ourAllow, ourDeny}, stripped: sources{peer}},
		{name: "allowed by an operator", in: sources{theirAllow}, merged: sources{theirAllow, ourDeny}, stripped: sources{theirAllow}},
		{name: "by path, by an operator", in: sources{theirPaths}, merged: sources{theirPaths, ourDeny}, stripped: sources{theirPaths}},
		{name: "opened by an operator", in: sources{theirOpen}, merged: sources{theirOpen, ourAllow}, stripped: sources{theirOpen}},
		{name: "denied by an operator", in: sources{theirDeny}, err: service.ErrConflict},
	}
	entry := func(s sources) *api.ServiceIntentionsConfigEntry {
		e := &api.ServiceIntentionsConfigEntry{Name: string(echo)}
		for i := range s {
			e.Sources = append(e.Sources, &s[i])
		}
		return e
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := entry(test.in)
			changed, err := merge(e)
			if !errors.Is(err, test.err) {
				t.Fatalf("merge: %v, want %v", err, test.err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(entry(test.merged), e, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("merged (-want +got):\n%s", diff)
			}
			if want := !cmp.Equal(test.in, test.merged, cmpopts.EquateEmpty()); changed != want {
				t.Errorf("changed = %v, want %v", changed, want)
			}
			if again, err := merge(e); again || err != nil {
				t.Errorf("a second merge changed it: %v, %v", again, err)
			}
			if _, err := strip(e); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(entry(test.stripped), e, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("stripped (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAllowAndForget(t *testing.T) {
	f, c := newFake(t)
	web := &api.SourceIntention{Name: "web", Action: "allow", Type: "consul"}
	names := func() (all []string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if e := f.entries[string(echo)]; e != nil {
			for _, s := range e.Sources {
				all = append(all, s.Name)
			}
		}
		return all
	}
	do := func(what string, err error, writes int, want ...string) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if diff := cmp.Diff(want, names(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("sources after %s (-want +got):\n%s", what, diff)
		}
		if f.writes != writes {
			t.Errorf("%d writes after %s, want %d", f.writes, what, writes)
		}
		f.writes = 0
	}
	do("forgetting nothing", c.Forget(t.Context(), echo), 0)
	do("allowing", c.Allow(t.Context(), echo), 1, GatewayName, "*")
	do("allowing again", c.Allow(t.Context(), echo), 0, GatewayName, "*")
	do("forgetting", c.Forget(t.Context(), echo), 1)

	// Someone creates the entry between our read and our write.
	f.before = func() {
		f.before = nil
		f.index++
		f.entries[string(echo)] = &api.ServiceIntentionsConfigEntry{Kind: api.ServiceIntentions, Name: string(echo), Sources: []*api.SourceIntention{web}, ModifyIndex: f.index}
	}
	do("allowing in a race", c.Allow(t.Context(), echo), 2, "web", GatewayName, "*")
	do("forgetting beside others", c.Forget(t.Context(), echo), 1, "web")

	f.before = func() { f.index++; f.entries[string(echo)].ModifyIndex = f.index }
	if err := c.Allow(t.Context(), echo); !errors.Is(err, service.ErrConflict) {
		t.Errorf("while others write all the time: %v, want ErrConflict", err)
	}
	f.before = nil
	f.set(func() { f.fail = 403 })
	if err := c.Allow(t.Context(), echo); !errors.Is(err, service.ErrDenied) {
		t.Errorf("with a refused token: %v, want ErrDenied", err)
	}
}

func TestEnsureIntentions(t *testing.T) {
	f, c := newFake(t)
	ids := []service.ID{"dyn-a-0a1b2c3d", "dyn-b-0a1b2c3d", "dyn-c-0a1b2c3d"}
	if err := c.Allow(t.Context(), ids[1]); err != nil {
		t.Fatal(err)
	}
	f.entries["dyn-a-0a1b2c3d"] = &api.ServiceIntentionsConfigEntry{
		Kind: api.ServiceIntentions, Name: "dyn-a-0a1b2c3d", ModifyIndex: 3,
		Sources: []*api.SourceIntention{{Name: GatewayName, Action: "deny", Type: "consul"}},
	}
	f.writes = 0
	// One that an operator denied does not keep the others from being let in.
	if err := c.EnsureIntentions(t.Context(), ids); !errors.Is(err, service.ErrConflict) {
		t.Errorf("error = %v, want ErrConflict for the first", err)
	}
	if f.writes != 1 || f.entries["dyn-c-0a1b2c3d"] == nil {
		t.Errorf("%d writes, third entry %v, want one write of the third", f.writes, f.entries["dyn-c-0a1b2c3d"])
	}
}
