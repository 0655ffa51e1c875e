package store_test

import (
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

var execution = store.Execution{Job: "j1", Who: "ada", AppModule: "A", App: "run", FuncModule: "A", Func: "f",
	Created: epoch, Started: epoch.Add(time.Second), Ended: epoch.Add(3 * time.Second), Failed: true}

// populateKBase leaves something in every table that only KBase's clients fill.
func populateKBase(t testing.TB, db *store.DB) {
	t.Helper()
	ctx := t.Context()
	check(t, db.SetListing(ctx, "A", store.Listing{GitURL: "https://git.example.org/a", Inactive: true}, "root"), nil)
	check(t, db.ApproveDeveloper(ctx, "ada", "root"), nil)
	check(t, db.AddRequest(ctx, version("A", "1.1.0", 2).ID, "ada"), nil)
	check(t, db.SetFavourite(ctx, store.Favourite{Module: "a", App: "run", Who: "ada", At: epoch}, true), nil)
	check(t, db.SetMounts(ctx, store.MountConfig{Module: "a", Function: "service", Group: "service",
		Mounts: []store.Mount{{Host: "/mnt/x", Container: "/x", ReadOnly: true}}}, "root"), nil)
	check(t, db.SetGroups(ctx, store.GroupConfig{Module: "a", Function: "service", Groups: []string{"large"}}, "root"), nil)
	check(t, db.AddExecution(ctx, execution), nil)
}

func verifyKBase(t testing.TB, db *store.DB) {
	t.Helper()
	ctx := t.Context()
	listings, err := db.Listings(ctx)
	check(t, err, nil)
	equal(t, listings, map[string]store.Listing{"a": {GitURL: "https://git.example.org/a", Inactive: true}})
	approved, err := db.Approved(ctx, "ada")
	check(t, err, nil)
	equal(t, approved, true)
	open, err := db.OpenRequests(ctx)
	check(t, err, nil)
	equal(t, len(open), 1)
	open[0].At = epoch
	equal(t, open[0], store.Request{ID: 1, Module: "A", Service: version("A", "1.1.0", 2).ID, At: epoch, Who: "ada"})
	favourites, err := db.Favourites(ctx, store.Favourite{Who: "ada"})
	check(t, err, nil)
	equal(t, favourites, []store.Favourite{{Module: "a", App: "run", Who: "ada", At: epoch}})
	mounts, err := db.Mounts(ctx, store.MountConfig{Module: "a"})
	check(t, err, nil)
	equal(t, mounts, []store.MountConfig{{Module: "a", Function: "service", Group: "service",
		Mounts: []store.Mount{{Host: "/mnt/x", Container: "/x", ReadOnly: true}}}})
	groups, err := db.Groups(ctx, "", "service")
	check(t, err, nil)
	equal(t, groups, []store.GroupConfig{{Module: "a", Function: "service", Groups: []string{"large"}}})
	var all []store.Execution
	check(t, db.Executions(ctx, epoch, epoch.Add(time.Second), func(e store.Execution) error { all = append(all, e); return nil }), nil)
	equal(t, all, []store.Execution{execution})
}

func TestARepositoryIsThatOfOneModule(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	save(t, db, version("A", "1.0.0", 1), "dev")
	save(t, db, version("B", "1.0.0", 2), "dev")
	l := store.Listing{GitURL: "https://git.example.org/a"}
	check(t, db.SetListing(ctx, "a", l, "root"), nil)
	check(t, db.SetListing(ctx, "A", l, "root"), nil)
	check(t, db.SetListing(ctx, "B", l, "root"), service.ErrConflict)
	check(t, db.SetListing(ctx, "B", store.Listing{}, "root"), nil)
	check(t, db.SetListing(ctx, "A", store.Listing{}, "root"), nil)
	check(t, db.SetListing(ctx, "C", l, "root"), service.ErrNotFound)
}

func TestAReleaseIsRequestedAndDecidedOnce(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	v := version("A", "1.0.0", 1)
	save(t, db, v, "beta")
	_, ok, err := db.LastRequest(ctx, "a")
	check(t, err, nil)
	equal(t, ok, false)
	check(t, db.AddRequest(ctx, v.ID, "ada"), nil)
	check(t, db.AddRequest(ctx, v.ID, "grace"), service.ErrConflict)
	r, ok, err := db.LastRequest(ctx, "A")
	check(t, err, nil)
	equal(t, ok, true)
	r.Decision, r.DecidedBy, r.Message = store.Denied, "root", "no docs"
	check(t, db.DecideRequest(ctx, r), nil)
	check(t, db.DecideRequest(ctx, r), service.ErrConflict)
	open, err := db.OpenRequests(ctx)
	check(t, err, nil)
	equal(t, len(open), 0)
	check(t, db.AddRequest(ctx, v.ID, "ada"), nil)
	r, _, err = db.LastRequest(ctx, "A")
	check(t, err, nil)
	equal(t, r.Decision, "")
}

func TestReleasesAreRememberedByTheirFirstDay(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	a, b := version("A", "1.0.0", 1), version("A", "1.1.0", 2)
	save(t, db, a, "release")
	save(t, db, b, "beta")
	releases, err := db.Releases(ctx, "a")
	check(t, err, nil)
	equal(t, len(releases), 1)
	first := releases[a.ID]
	check(t, db.SetTag(ctx, "A", "release", b.ID, "ada"), nil)
	check(t, db.SetTag(ctx, "A", "release", a.ID, "ada"), nil)
	releases, err = db.Releases(ctx, "")
	check(t, err, nil)
	equal(t, len(releases), 2)
	equal(t, releases[a.ID], first)
}

func TestDevelopersAreApprovedAndRevoked(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	for range 2 {
		check(t, db.ApproveDeveloper(ctx, "ada", "root"), nil)
	}
	check(t, db.RevokeDeveloper(ctx, "ada", "root"), nil)
	approved, err := db.Approved(ctx, "ada")
	check(t, err, nil)
	equal(t, approved, false)
	entries, err := db.Audit(ctx, 0, 0)
	check(t, err, nil)
	equal(t, len(entries), 2)
}
