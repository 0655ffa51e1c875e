package main

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/service"
)

// fixed is a cluster that says the same for ever.
type fixed struct {
	cluster
	states []service.State
}

func (f fixed) States() ([]service.State, bool) {
	return append([]service.State(nil), f.states...), true
}
func (f fixed) State(context.Context, service.ID) (service.State, error) { return f.states[0], nil }

func TestStatesCarryWhatConsulSays(t *testing.T) {
	state := func(id service.ID, check service.Check) service.State {
		return service.State{ID: id, Count: 1, Endpoints: []service.Endpoint{{Alloc: string(id) + "1", Check: check}}}
	}
	c := &checked{cluster: fixed{states: []service.State{state("a", ""), state("b", "")}}}
	var heard []service.State
	hear := func(s service.State) { heard = append(heard, s) }
	c.set(map[service.ID]map[string]service.Check{"a": {"a1": service.Passing}}, hear)
	c.set(map[service.ID]map[string]service.Check{"a": {"a1": service.Passing}}, hear) // nothing new
	c.apply(hear)(state("b", ""))
	c.set(nil, hear) // Consul has not been heard for a while
	want := []service.State{state("a", service.Passing), state("b", ""), state("a", "")}
	if diff := cmp.Diff(want, heard); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	c.set(map[service.ID]map[string]service.Check{"b": {"b1": service.Critical}}, hear)
	got, _ := c.States()
	if diff := cmp.Diff([]service.State{state("a", ""), state("b", service.Critical)}, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}
