package gateway

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/service"
)

// The load names the instances that do not answer, since when, and whether they
// ever did.
func TestLoadNamesTheInstancesThatAreSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, at := clusterOf(t, 2)
		if l := m.load(); l.Ready != 2 || l.Silent != nil {
			t.Fatalf("load of two that answer: %+v", l)
		}
		began := time.Now()
		m.g.try = func(context.Context, *machine, *endpoint) error { return errors.New("connection refused") }
		<-time.After(time.Minute)
		m.eject(at(1), errors.New("connection refused"))
		st := m.state
		st.Endpoints = append(st.Endpoints[:2:2], service.Endpoint{Alloc: "a2", Index: 2, Addr: "10.0.0.1:3"})
		st.Count = 3
		<-time.After(time.Second)
		m.g.Apply(st)
		<-time.After(time.Minute)
		got := map[string]service.Silent{}
		for _, s := range m.load().Silent {
			got[s.Alloc] = s
		}
		want := map[string]service.Silent{
			"a1": {Alloc: "a1", Since: began.Add(time.Minute), Before: true},
			"a2": {Alloc: "a2", Since: began.Add(time.Minute + time.Second)},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("silent (-want +got):\n%s", diff)
		}
	})
}
