package store_test

import (
	"testing"

	"github.com/dynsvc/dynsvc/store"
)

func TestAudit(t *testing.T) {
	db := open(t)
	v := save(t, db, version("A", "1.0.0", 1), "dev")
	scaled := store.Entry{At: epoch, Who: "grace", Action: "scale", Module: "A", Service: v.ID, Detail: "0 to 2"}
	check(t, db.AddAudit(t.Context(), scaled), nil)
	scaled.ID = 3
	want := []store.Entry{
		scaled,
		{ID: 2, At: epoch, Who: "ada", Action: "tag", Module: "A", Service: v.ID, Detail: "dev"},
		{ID: 1, At: epoch, Who: "ada", Action: "register", Module: "A", Service: v.ID, Detail: "1.0.0 " + v.Digest},
	}
	got, err := db.Audit(t.Context(), 0, 0)
	check(t, err, nil)
	equal(t, got, want)
	got, err = db.Audit(t.Context(), 3, 1)
	check(t, err, nil)
	equal(t, got, want[1:2])
}
