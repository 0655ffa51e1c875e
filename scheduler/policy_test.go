package scheduler_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
)

func TestPolicyInPlaceOfTheManifest(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		set := func(p service.Policy) {
			t.Helper()
			p.Module, p.Who = "A", "ada"
			if _, err := w.engine.SetPolicy(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			w.after(100 * time.Millisecond)
		}
		set(service.Policy{Rules: service.Override{Min: new(2)}})
		w.want(2, "bounds 0->2 applied")
		// That of one version counts more, while it lasts.
		set(service.Policy{Service: a, Until: time.Now().Add(5 * time.Minute), Rules: service.Override{Min: new(3)}})
		w.want(3, "bounds 0->2 applied", "bounds 2->3 applied")
		w.ready(nil)
		w.after(4 * time.Minute)
		x, err := w.engine.Effective(a)
		if err != nil {
			t.Fatal(err)
		}
		if x.Scale.Min != 3 || x.Manifest.Min != 0 || len(x.Policies) != 2 || x.Now.Winner != "floor" || x.Now.Reason != "min is 3" {
			t.Errorf("effective: %+v", x)
		}
		w.after(10 * time.Minute)
		w.want(2, "bounds 0->2 applied", "bounds 2->3 applied", "bounds 3->2 applied")

		// A restart remembers it.
		w.end()
		w.open(version(0), scheduler.Options{})
		w.after(10 * time.Minute)
		w.want(2, "bounds 0->2 applied", "bounds 2->3 applied", "bounds 3->2 applied")

		set(service.Policy{}) // the manifest's again
		w.ready(nil)
		w.after(10 * time.Minute)
		if got := w.cluster.count(a); got != 0 {
			t.Errorf("count = %d after the policy was cleared, want 0", got)
		}
		x, err = w.engine.Effective(a)
		if err != nil || len(x.Policies) != 0 || x.Now.From != x.Now.To || x.Now.Reason != "no strategy asks for an instance" {
			t.Errorf("effective: %+v, %v", x, err)
		}
	})
}

func TestPolicyIsValidatedWhenSaved(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		for name, tt := range map[string]struct {
			in   service.Policy
			kind error
			says string
		}{
			"above the manifest's max": {service.Policy{Rules: service.Override{Max: new(11)}}, service.ErrInvalid, "must be no more than the manifest's 10, not 11: register a version with a larger max"},
			"min above max":            {service.Policy{Rules: service.Override{Min: new(5), Max: new(4)}}, service.ErrInvalid, "scale.min must be no more than max (4), not 5"},
			"a window that never opens": {service.Policy{Rules: service.Override{Windows: &[]service.Window{
				{Name: "never", Cron: "0 0 31 2 *", Duration: service.Duration{Duration: time.Hour}, Min: 1}}}}, service.ErrInvalid, "never matches"},
			"a target that is none": {service.Policy{Rules: service.Override{Target: &service.Target{CPUPercent: 101}}}, service.ErrInvalid, "cpu_percent"},
			"over already":          {service.Policy{Until: time.Now(), Rules: service.Override{Min: new(1)}}, service.ErrInvalid, "over since"},
			"another's service":     {service.Policy{Service: "dyn-b-00000000", Rules: service.Override{Min: new(1)}}, service.ErrNotFound, "has no version"},
		} {
			tt.in.Module = "a"
			_, err := w.engine.SetPolicy(t.Context(), tt.in)
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: %v, want %q", name, err, tt.says)
			}
		}
		if list, err := w.db.Policies(t.Context(), "a", 0, 0); err != nil || len(list) != 0 {
			t.Errorf("stored all the same: %v, %v", list, err)
		}
		w.after(5 * time.Second)
		w.want(0)
	})
}

// What is held and why can be asked for.
func TestExplainWhenNothingIsKnown(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.open(version(0), scheduler.Options{})
		w.used()
		w.cluster.silence(true)
		w.after(5 * time.Second)
		x, err := w.engine.Effective(a)
		if err != nil || x.Now.From != 1 || x.Now.To != 1 || x.Now.Reason != "all counts are held: the cluster has not been heard lately" {
			t.Errorf("effective: %+v, %v", x.Now, err)
		}
		_, err = w.engine.Effective("dyn-none")
		if !errors.Is(err, service.ErrNotFound) {
			t.Errorf("a service that is not there: %v", err)
		}
	})
}
