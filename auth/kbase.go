package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// KBaseOptions say how to ask KBase's auth service.
type KBaseOptions struct {
	URL string // base, e.g. https://kbase.us/services/auth
	// Legacy is asked instead, as servers in containers do: …/Sessions/Login. It tells
	// names and no roles.
	Legacy string

	// Roles and custom roles that make a caller an admin here. nil: those which KBase's
	// own wizard and catalog take: KBASE_ADMIN_ROLE, CATALOG_ADMIN_ROLE, SERVICE_WIZARD_ADMIN_ROLE.
	AdminRoles []string
	// Roles that make a caller a developer here. "*": every user is one.
	DeveloperRoles []string

	Client *http.Client // nil: one of its own
}

// KBase is KBase's auth service.
type KBase struct{ opts KBaseOptions }

// NewKBase returns KBase's auth service. It asks it nothing yet.
func NewKBase(opts KBaseOptions) *KBase {
	opts.URL = strings.TrimSuffix(opts.URL, "/")
	if opts.AdminRoles == nil {
		opts.AdminRoles = []string{"KBASE_ADMIN_ROLE", "CATALOG_ADMIN_ROLE", "SERVICE_WIZARD_ADMIN_ROLE"}
	}
	if opts.Client == nil {
		opts.Client = newClient()
	}
	return &KBase{opts}
}

func (k *KBase) String() string { return "KBase's auth service" }

var kbaseToken = regexp.MustCompile(`^[A-Za-z0-9]{1,256}$`)

// takes reports whether a token looks like one of KBase's. What others have issued is
// none of its business.
func (k *KBase) takes(token string) bool { return kbaseToken.MatchString(token) }

func (k *KBase) verify(ctx context.Context, token string) (service.Caller, time.Time, error) {
	if k.opts.Legacy != "" {
		return k.verifyLegacy(ctx, token)
	}
	var about struct {
		User     string `json:"user"`
		Expires  int64  `json:"expires"`  // unix ms
		CacheFor int64  `json:"cachefor"` // ms
	}
	if err := k.read(ctx, "/api/V2/token", token, &about); err != nil {
		return service.Caller{}, time.Time{}, err
	}
	var me struct {
		User  string `json:"user"`
		Roles []struct {
			ID string `json:"id"`
		} `json:"roles"`
		CustomRoles []string `json:"customroles"`
	}
	if err := k.read(ctx, "/api/V2/me", token, &me); err != nil {
		return service.Caller{}, time.Time{}, err
	}
	if me.User == "" || me.User != about.User {
		return service.Caller{}, time.Time{}, fmt.Errorf("the token is of %q and its user is %q", about.User, me.User)
	}
	roles := slices.Clone(me.CustomRoles)
	for _, r := range me.Roles {
		roles = append(roles, r.ID)
	}
	until := time.Now().Add(time.Duration(about.CacheFor) * time.Millisecond)
	if about.Expires > 0 {
		until = earlier(until, time.UnixMilli(about.Expires))
	}
	return service.Caller{Name: me.User, Role: k.role(roles), From: service.FromKBase}, until, nil
}

func (k *KBase) role(roles []string) service.Role {
	return mapRoles(roles, k.opts.AdminRoles, k.opts.DeveloperRoles)
}

// read asks with a token, bare as KBase has it.
func (k *KBase) read(ctx context.Context, path, token string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.opts.URL+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", token)
	req.Header.Set("Accept", "application/json")
	return k.answer(req, into)
}

// verifyLegacy asks as the servers that KBase's SDK generates do.
func (k *KBase) verifyLegacy(ctx context.Context, token string) (service.Caller, time.Time, error) {
	form := url.Values{"token": {token}, "fields": {"user_id"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, k.opts.Legacy, strings.NewReader(form.Encode()))
	if err != nil {
		return service.Caller{}, time.Time{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var about struct {
		User string `json:"user_id"`
	}
	if err := k.answer(req, &about); err != nil {
		return service.Caller{}, time.Time{}, err
	}
	if about.User == "" {
		return service.Caller{}, time.Time{}, errors.New("the answer names no user")
	}
	return service.Caller{Name: about.User, Role: k.role(nil), From: service.FromKBase}, time.Time{}, nil
}

func (k *KBase) answer(req *http.Request, into any) error {
	resp, err := k.opts.Client.Do(req)
	if err != nil {
		return bare(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	switch resp.StatusCode {
	case http.StatusOK:
		if err := json.Unmarshal(text, into); err != nil {
			return fmt.Errorf("read the answer of %s: %w", req.URL.Path, err)
		}
		return nil
	case http.StatusUnauthorized, http.StatusForbidden:
		var said struct {
			Error struct {
				Message string `json:"message"`
			} `json:"error"`
		}
		if json.Unmarshal(text, &said) != nil || said.Error.Message == "" {
			said.Error.Message = "10020 Invalid token"
		}
		// As the servers that KBase's SDK generates say it; clients look for parts of it.
		return service.Errorf(service.ErrUnauthenticated, "Token validation failed: Error connecting to auth service: 401 Unauthorized\n%.200s", said.Error.Message)
	}
	return fmt.Errorf("%s answers %s", req.URL.Path, resp.Status)
}

// mapRoles is the highest role that one of the roles of another service means here.
func mapRoles(roles, admins, developers []string) service.Role {
	has := func(in []string) bool {
		return slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(in, r) })
	}
	switch {
	case has(admins):
		return service.Admin
	case has(developers), slices.Contains(developers, "*"):
		return service.Developer
	}
	return service.User
}
