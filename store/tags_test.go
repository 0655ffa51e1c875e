package store_test

import (
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

func TestSetTag(t *testing.T) {
	db := open(t)
	a1 := save(t, db, version("A", "1.0.0", 1), "dev")
	a2 := save(t, db, version("A", "1.1.0", 2), "dev")
	twin := save(t, db, version("A", "1.0.0", 3))
	b := save(t, db, version("B", "1.0.0", 4))

	check(t, db.SetTag(t.Context(), "a", "release", a1.ID, "ada"), nil)
	check(t, db.SetTag(t.Context(), "A", "release", a1.ID, "ada"), nil) // no move
	check(t, db.SetTag(t.Context(), "A", "release", a2.ID, "grace"), nil)
	// Back to what was a release before is no new release.
	check(t, db.SetTag(t.Context(), "A", "release", a1.ID, "ada"), nil)

	check(t, db.SetTag(t.Context(), "A", "beta", twin.ID, "ada"), service.ErrConflict, string(a1.ID))
	check(t, db.SetTag(t.Context(), "A", "nightly", twin.ID, "ada"), nil)
	check(t, db.SetTag(t.Context(), "A", "dev", b.ID, "ada"), service.ErrInvalid, "is a version of B")
	check(t, db.SetTag(t.Context(), "A", "dev", "dyn-a-none", "ada"), service.ErrNotFound)
	check(t, db.SetTag(t.Context(), "A", "^1", a1.ID, "ada"), service.ErrInvalid)

	equal(t, module(t, db, "A").Tags, map[string]service.ID{"dev": a2.ID, "release": a1.ID, "nightly": twin.ID})
	moves, err := db.TagHistory(t.Context(), "a", 0, 0)
	check(t, err, nil)
	for i := range moves {
		if moves[i].At.IsZero() {
			t.Errorf("move %d has no time", moves[i].ID)
		}
		moves[i].At = epoch
	}
	want := []store.TagMove{
		{ID: 6, Tag: "nightly", To: twin.ID, Who: "ada"},
		{ID: 5, Tag: "release", From: a2.ID, To: a1.ID, Who: "ada"},
		{ID: 4, Tag: "release", From: a1.ID, To: a2.ID, Who: "grace"},
		{ID: 3, Tag: "release", To: a1.ID, Who: "ada"},
		{ID: 2, Tag: "dev", From: a1.ID, To: a2.ID, Who: "ada"},
		{ID: 1, Tag: "dev", To: a1.ID, Who: "ada"},
	}
	for i := range want {
		want[i].At = epoch
	}
	equal(t, moves, want)
	since, err := db.MovesSince(t.Context(), time.Now().Add(-time.Minute))
	check(t, err, nil)
	for i := range since["a"] {
		since["a"][i].At = epoch
	}
	equal(t, since, map[string][]store.TagMove{"a": {want[1], want[2]}}) // neither first tags nor moves of long ago
	since, err = db.MovesSince(t.Context(), time.Now().Add(time.Minute))
	check(t, err, nil)
	equal(t, since, map[string][]store.TagMove{})
	page, err := db.TagHistory(t.Context(), "A", 4, 2)
	check(t, err, nil)
	if len(page) != 2 || page[0].ID != 3 || page[1].ID != 2 {
		t.Errorf("the page before 4 is %+v, want the moves 3 and 2", page)
	}
}

func TestASplitLastsUntilItsTagMoves(t *testing.T) {
	db := open(t)
	a1 := save(t, db, version("A", "1.0.0", 1), "release")
	a2 := save(t, db, version("A", "1.1.0", 2), "dev")
	b := save(t, db, version("B", "1.0.0", 4))
	ctx := t.Context()
	split := func(to service.ID, percent int) *service.Split {
		return &service.Split{To: to, Percent: percent, Header: "X-User"}
	}
	check(t, db.SetSplit(ctx, "A", "release", split(a1.ID, 10), "ada"), service.ErrInvalid, "means already")
	check(t, db.SetSplit(ctx, "A", "release", split(b.ID, 10), "ada"), service.ErrInvalid, "is a version of B")
	check(t, db.SetSplit(ctx, "A", "beta", split(a2.ID, 10), "ada"), service.ErrNotFound, "no tag")
	check(t, db.SetSplit(ctx, "A", "release", split("dyn-a-none", 10), "ada"), service.ErrNotFound)
	check(t, db.SetSplit(ctx, "A", "release", split(a2.ID, 100), "ada"), service.ErrInvalid, "1 to 99")
	check(t, db.SetSplit(ctx, "A", "release", nil, "ada"), nil) // there is none to end

	check(t, db.SetSplit(ctx, "a", "release", split(a2.ID, 10), "ada"), nil)
	check(t, db.SetSplit(ctx, "A", "release", split(a2.ID, 30), "ada"), nil)
	equal(t, module(t, db, "A").Splits, map[string]service.Split{"release": *split(a2.ID, 30)})
	check(t, db.SetSplit(ctx, "A", "release", nil, "ada"), nil)
	equal(t, len(module(t, db, "A").Splits), 0)

	check(t, db.SetSplit(ctx, "A", "release", split(a2.ID, 30), "ada"), nil)
	check(t, db.SetTag(ctx, "A", "release", a1.ID, "ada"), nil) // where it is: all calls come back
	equal(t, len(module(t, db, "A").Splits), 0)
	check(t, db.SetSplit(ctx, "A", "release", split(a2.ID, 30), "ada"), nil)
	check(t, db.SetTag(ctx, "A", "release", a2.ID, "ada"), nil)
	equal(t, len(module(t, db, "A").Splits), 0)
	entries, err := db.Audit(ctx, 0, 0)
	check(t, err, nil)
	ended := 0
	for _, e := range entries {
		if e.Action == "split" && e.Detail == "release, ended" {
			ended++
		}
	}
	equal(t, ended, 3)
}
