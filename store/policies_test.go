package store_test

import (
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

func TestPolicies(t *testing.T) {
	db := open(t)
	a1, a2 := save(t, db, version("A", "1.0.0", 1)).ID, save(t, db, version("A", "1.1.0", 2)).ID
	save(t, db, version("B", "1.0.0", 3))
	add := func(p service.Policy) service.Policy {
		t.Helper()
		p.Who, p.Note = "ada", "a demo"
		var err error
		p.ID, err = db.AddPolicy(t.Context(), p)
		check(t, err, nil)
		return p
	}
	two := 2
	hour := service.Duration{Duration: time.Hour}
	all := add(service.Policy{Module: "A", At: epoch, Rules: service.Override{Min: &two, IdleAfter: &hour}})
	one := add(service.Policy{Module: "A", Service: a1, At: epoch, Rules: service.Override{Target: &service.Target{CPUPercent: 50}}})
	short := add(service.Policy{Module: "A", Service: a2, At: epoch, Until: epoch.Add(time.Minute), Rules: service.Override{Max: &two}})
	other := add(service.Policy{Module: "B", At: epoch, Rules: service.Override{Windows: &[]service.Window{{Name: "x", Min: 1}}}})

	got, err := db.PoliciesInForce(t.Context(), epoch)
	check(t, err, nil)
	equal(t, got, []service.Policy{all, one, short, other})
	got, err = db.PoliciesInForce(t.Context(), epoch.Add(time.Minute))
	check(t, err, nil)
	equal(t, got, []service.Policy{all, one, other})

	again := add(service.Policy{Module: "a", At: epoch, Rules: service.Override{Max: &two}})
	again.Module = "A" // as it was registered
	cleared := add(service.Policy{Module: "A", Service: a1, At: epoch})
	got, err = db.PoliciesInForce(t.Context(), epoch)
	check(t, err, nil)
	equal(t, got, []service.Policy{short, other, again})

	got, err = db.Policies(t.Context(), "A", 0, 3)
	check(t, err, nil)
	equal(t, got, []service.Policy{cleared, again, short})
	got, err = db.Policies(t.Context(), "A", short.ID, 0)
	check(t, err, nil)
	equal(t, got, []service.Policy{one, all})
	_, err = db.AddPolicy(t.Context(), service.Policy{Module: "A", Service: "dyn-none"})
	check(t, err, service.ErrNotFound)
}
