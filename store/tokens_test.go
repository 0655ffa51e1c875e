package store_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

func token(id, user string) store.Token {
	return store.Token{ID: id, Hash: bytes.Repeat([]byte(id[:1]+id[len(id)-1:]), 16), User: user, Note: "for CI",
		Scopes: []service.Scope{"call:echo", "register"}, CreatedAt: epoch, CreatedBy: "root", ExpiresAt: epoch.Add(time.Hour)}
}

func TestTokensAreAddedUsedAndRevoked(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	a, b := token("t1", "ada"), token("t2", "grace")
	b.CreatedAt, b.ExpiresAt = epoch.Add(time.Minute), time.Time{}
	check(t, db.AddToken(ctx, a), nil)
	check(t, db.AddToken(ctx, b), nil)
	if err := db.AddToken(ctx, a); err == nil {
		t.Error("a token was added twice")
	}
	check(t, db.TouchTokens(ctx, map[string]time.Time{"t1": epoch.Add(time.Second), "t9": epoch}), nil)
	check(t, db.TouchTokens(ctx, map[string]time.Time{"t1": epoch}), nil) // time does not go back
	a.UsedAt = epoch.Add(time.Second)
	all, err := db.Tokens(ctx, "")
	check(t, err, nil)
	equal(t, all, []store.Token{b, a})
	check(t, db.RevokeToken(ctx, "t2", "ada"), nil)
	check(t, db.RevokeToken(ctx, "t2", "grace"), nil) // it stays as it is
	check(t, db.RevokeToken(ctx, "t9", "ada"), service.ErrNotFound, "t9")
	own, err := db.Tokens(ctx, "grace")
	check(t, err, nil)
	if len(own) != 1 || own[0].RevokedAt.IsZero() || own[0].RevokedBy != "ada" {
		t.Errorf("tokens of grace: %+v", own)
	}
	equal(t, actions(ctx, t, db), []string{"revoke-token t2 of grace", "create-token t2 for grace: call:echo register", "create-token t1 for ada: call:echo register"})
	n, err := db.PruneTokens(ctx, epoch.Add(2*time.Hour))
	check(t, err, nil)
	all, err = db.Tokens(ctx, "")
	check(t, err, nil)
	if n != 1 || len(all) != 1 || all[0].ID != "t2" { // revoked just now, not before
		t.Errorf("%d deleted, left %+v", n, all)
	}
}

func actions(ctx context.Context, t *testing.T, db *store.DB) []string {
	t.Helper()
	entries, err := db.Audit(ctx, 0, 0)
	check(t, err, nil)
	var all []string
	for _, e := range entries {
		all = append(all, e.Action+" "+e.Detail)
	}
	return all
}

func TestWhoRegistersANewNameOwnsIt(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	v := version("A", "1.0.0", 1)
	v.Owners = []string{"grace"}
	_, _, err := db.SaveVersion(ctx, store.Registration{Version: v, Owner: "ada"})
	check(t, err, nil)
	equal(t, module(t, db, "A").Owners, []string{"ada", "grace"})

	// The one who comes second owns nothing, whatever the manifest says.
	theirs := version("A", "1.1.0", 2)
	theirs.Owners = []string{"mallory"}
	_, _, err = db.SaveVersion(ctx, store.Registration{Version: theirs, Owner: "mallory"})
	check(t, err, service.ErrDenied, "ada, grace")
	equal(t, module(t, db, "A").Owners, []string{"ada", "grace"})

	theirs.Owners = []string{"linus"}
	_, _, err = db.SaveVersion(ctx, store.Registration{Version: theirs, Owner: "grace"})
	check(t, err, nil)
	check(t, db.AddOwner(ctx, "a", "ken", "ada"), nil)
	check(t, db.AddOwner(ctx, "a", "ken", "ada"), nil)
	check(t, db.RemoveOwner(ctx, "A", "grace", "ada"), nil)
	check(t, db.RemoveOwner(ctx, "A", "grace", "ada"), service.ErrNotFound, "grace is no owner of A")
	check(t, db.AddOwner(ctx, "B", "ken", "ada"), service.ErrNotFound)
	equal(t, module(t, db, "A").Owners, []string{"ada", "ken", "linus"})
	equal(t, actions(ctx, t, db)[:2], []string{"remove-owner grace", "add-owner ken"})
}
