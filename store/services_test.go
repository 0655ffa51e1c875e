package store_test

import (
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

func TestStopped(t *testing.T) {
	db := open(t)
	a, b := save(t, db, version("A", "1.0.0", 1)).ID, save(t, db, version("B", "1.0.0", 2)).ID
	set := func(id service.ID, stopped bool) {
		t.Helper()
		check(t, db.SetStopped(t.Context(), id, stopped, "ada"), nil)
	}
	set(a, true)
	set(a, true)
	set(b, true)
	set(b, false)
	check(t, db.SetStopped(t.Context(), "dyn-none", true, "ada"), service.ErrNotFound, "dyn-none")
	got, err := db.Stopped(t.Context())
	check(t, err, nil)
	equal(t, got, map[service.ID]bool{a: true})

	// One entry a change, not one a request.
	entries, err := db.Audit(t.Context(), 0, 3)
	check(t, err, nil)
	var acts []string
	for _, e := range entries {
		acts = append(acts, e.Who+" "+e.Action+" "+string(e.Service))
	}
	equal(t, acts, []string{"ada start " + string(b), "ada stop " + string(b), "ada stop " + string(a)})
}

func TestHolds(t *testing.T) {
	db := open(t)
	a, b := save(t, db, version("A", "1.0.0", 1)).ID, save(t, db, version("B", "1.0.0", 2)).ID
	hold := store.Hold{Count: 3, Until: epoch.Add(10 * time.Minute), Who: "nomad"}
	check(t, db.SetHold(t.Context(), a, store.Hold{Count: 1, Until: epoch.Add(time.Minute)}), nil)
	check(t, db.SetHold(t.Context(), a, hold), nil)
	check(t, db.SetHold(t.Context(), b, hold), nil)
	check(t, db.SetHold(t.Context(), b, store.Hold{}), nil)
	check(t, db.SetHold(t.Context(), "dyn-none", hold), service.ErrNotFound)

	got, err := db.Holds(t.Context(), epoch)
	check(t, err, nil)
	equal(t, got, map[service.ID]store.Hold{a: hold})
	got, err = db.Holds(t.Context(), hold.Until)
	check(t, err, nil)
	equal(t, got, map[service.ID]store.Hold{})
}
