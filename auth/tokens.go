package auth

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// ownPrefix begins dynsvc's own tokens, so that they are told from all others
// without asking anybody, and found where they have been left lying about.
const ownPrefix = "dynsvc_"

// maxTokens bounds how many tokens there may be at a time; all are in memory.
const maxTokens = 100_000

// TokenOptions bound how long tokens of others than admins hold.
type TokenOptions struct {
	Age    time.Duration // of a token for which none is given; 0: 90 days
	MaxAge time.Duration // 0: a year
}

const (
	day              = 24 * time.Hour
	defaultAge       = 90 * day
	defaultMaxAge    = 365 * day
	keepEndedTokens  = 90 * day // in lists, after they ended
	tokensLookAround = time.Minute
)

// Tokens are dynsvc's own. All that hold are in memory, by their hash: a call with one
// asks no database, goes on while there is none, and is refused from the moment that
// its token was revoked.
type Tokens struct {
	db   *store.DB
	log  hclog.Logger
	opts TokenOptions

	change sync.Mutex // held while the table or what is stored changes
	table  atomic.Pointer[map[hash]*held]
}

// held is a token that was not revoked. It may have expired.
type held struct {
	id      string
	caller  service.Caller
	expires time.Time    // zero: never
	used    atomic.Int64 // unix ms; 0: not since it was read
	noted   int64        // what of that is stored; guarded by Tokens.change
}

// OpenTokens reads what tokens there are.
func OpenTokens(ctx context.Context, db *store.DB, log hclog.Logger, opts TokenOptions) (*Tokens, error) {
	if opts.Age == 0 {
		opts.Age = defaultAge
	}
	if opts.MaxAge == 0 {
		opts.MaxAge = defaultMaxAge
	}
	opts.Age = min(opts.Age, opts.MaxAge)
	t := &Tokens{db: db, log: log, opts: opts}
	return t, t.load(ctx)
}

// load takes in what is stored, also by another agent on the same database.
func (t *Tokens) load(ctx context.Context) error {
	t.change.Lock()
	defer t.change.Unlock()
	return t.reload(ctx)
}

func (t *Tokens) reload(ctx context.Context) error {
	stored, err := t.db.Tokens(ctx, "")
	if err != nil {
		return err
	}
	var before map[hash]*held
	if p := t.table.Load(); p != nil {
		before = *p
	}
	table := make(map[hash]*held, len(stored))
	for _, s := range stored {
		if !s.RevokedAt.IsZero() || len(s.Hash) != len(hash{}) {
			continue
		}
		h := hash(s.Hash)
		if was, ok := before[h]; ok { // tokens never change, and its use is not stored yet
			table[h] = was
			continue
		}
		table[h] = &held{id: s.ID, expires: s.ExpiresAt, caller: service.Caller{
			Name: s.User, Role: roleOf(s.Scopes), From: service.FromToken, Token: s.ID, Scopes: s.Scopes}}
	}
	t.table.Store(&table)
	return nil
}

// roleOf is the role that scopes need.
func roleOf(scopes []service.Scope) service.Role {
	role := service.User
	for _, s := range scopes {
		role = max(role, s.Role())
	}
	return role
}

// verify returns whose a token is.
func (t *Tokens) verify(token string, now time.Time) (service.Caller, error) {
	h, ok := (*t.table.Load())[hashOf(token)]
	switch {
	case !ok:
		return service.Caller{}, service.Errorf(service.ErrUnauthenticated, "this token is not known here: it was revoked, or made by another dynsvc")
	case !h.expires.IsZero() && !now.Before(h.expires):
		return service.Caller{}, service.Errorf(service.ErrUnauthenticated, "the token %s of %s expired on %s: make another one", h.id, h.caller.Name, h.expires.UTC().Format(time.DateTime))
	}
	if ms := now.UnixMilli(); ms-h.used.Load() >= time.Second.Milliseconds() { // not a write for each call
		h.used.Store(ms)
	}
	return h.caller, nil
}

// Wanted is a token to be made.
type Wanted struct {
	User    string   // empty: who asks
	Scopes  []string // at least one
	Note    string
	Expires time.Duration // 0: the default; negative: never
}

// Create makes a token and returns it: it can be read this once. Admins make tokens for
// everyone. Others make them for themselves, where another service vouches for them, and
// no token does: else one that was stolen could be made to last.
func (t *Tokens) Create(ctx context.Context, by service.Caller, want Wanted) (store.Token, string, error) {
	made, err := t.plan(by, want, time.Now())
	if err != nil {
		return store.Token{}, "", err
	}
	token := ownPrefix + strings.ToLower(rand.Text())
	sum := hashOf(token)
	made.Hash, made.ID = sum[:], hex.EncodeToString(sum[:6])
	t.change.Lock()
	defer t.change.Unlock()
	if n := len(*t.table.Load()); n >= maxTokens {
		return store.Token{}, "", service.Errorf(service.ErrLimited, "there are %d tokens already, which is all there may be: revoke some", n)
	}
	if err := t.db.AddToken(ctx, made); err != nil {
		return store.Token{}, "", err
	}
	t.log.Info("created a token", "token", made.ID, "user", made.User)
	// It is stored: a caller who has left does not stop this.
	return made, token, t.reload(context.WithoutCancel(ctx))
}

// plan is what Create is going to store, if by may have it.
func (t *Tokens) plan(by service.Caller, want Wanted, now time.Time) (store.Token, error) {
	none := store.Token{}
	if want.User == "" {
		want.User = by.Name
	}
	made := store.Token{User: want.User, Note: want.Note, CreatedAt: now, CreatedBy: by.Who()}
	switch {
	case !by.Known():
		return none, service.Errorf(service.ErrUnauthenticated, "making a token needs one: Authorization: Bearer TOKEN")
	case !by.IsAdmin() && by.From == service.FromToken:
		return none, service.Errorf(service.ErrDenied, "a token without the scope admin makes no tokens: log in as %s, or ask an admin", by.Name)
	case !by.IsAdmin() && want.User != by.Name:
		return none, service.Errorf(service.ErrDenied, "%s may make tokens for %s, and only an admin for %s", by.Name, by.Name, want.User)
	case !service.ValidUserName(want.User):
		return none, service.Errorf(service.ErrInvalid, "%q is not the name of a user", want.User)
	case len(want.Note) > maxNote:
		return none, service.Errorf(service.ErrInvalid, "the note is longer than %d bytes", maxNote)
	case len(want.Scopes) == 0:
		return none, service.Errorf(service.ErrInvalid, "a token needs a scope: call:MODULE, call:*, register, register:MODULE or admin")
	case len(want.Scopes) > maxScopes:
		return none, service.Errorf(service.ErrInvalid, "a token has at most %d scopes", maxScopes)
	}
	for _, text := range want.Scopes {
		scope, err := service.ParseScope(text)
		if err != nil {
			return none, err
		}
		if scope.Role() > by.Role {
			return none, service.Errorf(service.ErrDenied, "the scope %s needs the role %s, and %s has the role %s", scope, scope.Role(), by.Name, by.Role)
		}
		if !slices.Contains(made.Scopes, scope) {
			made.Scopes = append(made.Scopes, scope)
		}
	}
	switch {
	case want.Expires == 0:
		made.ExpiresAt = now.Add(t.opts.Age)
	case want.Expires > 0:
		made.ExpiresAt = now.Add(want.Expires)
	}
	if late := now.Add(t.opts.MaxAge); !by.IsAdmin() && (made.ExpiresAt.IsZero() || made.ExpiresAt.After(late)) {
		return none, service.Errorf(service.ErrInvalid, "a token holds for %d days at most", int(t.opts.MaxAge/day))
	}
	return made, nil
}

const (
	maxNote   = 200
	maxScopes = 100
)

// List returns the tokens that the caller may see, newest first, without themselves:
// an admin sees those of user, or all where it is empty, and others their own.
func (t *Tokens) List(ctx context.Context, by service.Caller, user string) ([]store.Token, error) {
	switch {
	case !by.Known():
		return nil, service.Errorf(service.ErrUnauthenticated, "the list of tokens needs one: Authorization: Bearer TOKEN")
	case !by.IsAdmin() && user != "" && user != by.Name:
		return nil, service.Errorf(service.ErrDenied, "%s may see the tokens of %s, and only an admin those of %s", by.Name, by.Name, user)
	case !by.IsAdmin():
		user = by.Name
	}
	return t.db.Tokens(ctx, user)
}

// Revoke ends a token at once and for good. A token without the scope admin can end
// itself and no other.
func (t *Tokens) Revoke(ctx context.Context, by service.Caller, id string) error {
	t.change.Lock()
	defer t.change.Unlock()
	if err := t.mayRevoke(ctx, by, id); err != nil {
		return err
	}
	if err := t.db.RevokeToken(ctx, id, by.Who()); err != nil {
		return err
	}
	t.log.Info("revoked a token", "token", id)
	return t.reload(context.WithoutCancel(ctx))
}

func (t *Tokens) mayRevoke(ctx context.Context, by service.Caller, id string) error {
	switch {
	case by.IsAdmin(), by.From == service.FromToken && by.Token == id:
		return nil
	case !by.Known():
		return service.Errorf(service.ErrUnauthenticated, "revoking a token needs one: Authorization: Bearer TOKEN")
	case by.From == service.FromToken:
		return service.Errorf(service.ErrDenied, "a token without the scope admin revokes no other token: log in as %s, or ask an admin", by.Name)
	}
	own, err := t.db.Tokens(ctx, by.Name)
	if err == nil && !slices.ContainsFunc(own, func(o store.Token) bool { return o.ID == id }) {
		err = service.Errorf(service.ErrNotFound, "%s has no token %s", by.Name, id)
	}
	return err
}

// Run stores now and then when tokens were used, and takes in what another agent did
// to them, until ctx ends.
func (t *Tokens) Run(ctx context.Context) error {
	tick := time.NewTicker(tokensLookAround)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			t.note(last)
			return nil
		case <-tick.C:
			t.note(ctx)
			if err := t.load(ctx); err != nil && ctx.Err() == nil {
				t.log.Warn("could not read the tokens; those known go on to hold", "error", err)
			}
		}
	}
}

// note stores what tokens were used since the last time, and forgets old ones.
func (t *Tokens) note(ctx context.Context) {
	t.change.Lock()
	defer t.change.Unlock()
	used := map[string]time.Time{}
	for _, h := range *t.table.Load() {
		if at := h.used.Load(); at > h.noted {
			used[h.id] = time.UnixMilli(at)
			h.noted = at
		}
	}
	if len(used) > 0 {
		if err := t.db.TouchTokens(ctx, used); err != nil && ctx.Err() == nil {
			t.log.Warn("could not note the use of tokens", "error", err)
		}
	}
	if _, err := t.db.PruneTokens(ctx, time.Now().Add(-keepEndedTokens)); err != nil && ctx.Err() == nil {
		t.log.Warn("could not delete old tokens", "error", err)
	}
}
