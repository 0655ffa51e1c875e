package main

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/auth"
	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/service"
)

// authConfig says who vouches for callers, and what those may do.
type authConfig struct {
	Calls      string   `hcl:"calls,optional"`      // "checked" (default), or "open": methods that require authentication are called without
	Admins     []string `hcl:"admins,optional"`     // users with that role, whoever vouches for them
	Developers []string `hcl:"developers,optional"` // users who may register modules
	Keep       string   `hcl:"keep,optional"`       // how long another service's verdict on a token is kept at most; default 5m

	Tokens *tokensConfig `hcl:"tokens,block"`
	OIDC   []oidcConfig  `hcl:"oidc,block"`
	KBase  *kbaseAuth    `hcl:"kbase,block"`
	Limits *callerLimits `hcl:"limits,block"`
}

// callerLimits bounds what each caller may ask for; what is 0 or absent in a block is
// not limited.
type callerLimits struct {
	Known     *callerQuota `hcl:"known,block"`     // of a caller with a name; default: no limit
	Anonymous *callerQuota `hcl:"anonymous,block"` // of an address from which calls without a name come; default below
}

// defaultAnonymous is a tenth of the calls that are held in all, and more calls a
// second than a person's programs make. It is for who does not know that the agent
// can be reached by strangers, so it spares callers on the agent's own machine.
var defaultAnonymous = gateway.Quota{Rate: 200, Burst: 1000, InFlight: 1000}

func (l *callerLimits) limits() gateway.CallerLimits {
	if l.Anonymous == nil {
		return gateway.CallerLimits{Known: l.Known.quota(), Anonymous: defaultAnonymous, SpareLocal: true}
	}
	return gateway.CallerLimits{Known: l.Known.quota(), Anonymous: l.Anonymous.quota()}
}

type callerQuota struct {
	Rate     float64 `hcl:"rate,optional"`      // calls a second
	Burst    int     `hcl:"burst,optional"`     // calls at once; default rate
	InFlight int     `hcl:"in_flight,optional"` // calls not answered yet
}

func (q *callerQuota) quota() gateway.Quota {
	if q == nil {
		return gateway.Quota{}
	}
	return gateway.Quota{Rate: q.Rate, Burst: q.Burst, InFlight: q.InFlight}
}

func (q *callerQuota) validate(at string, fault func(format string, args ...any)) {
	if q != nil && (q.Rate < 0 || q.Burst < 0 || q.InFlight < 0) {
		fault("%s has a number below 0: leave out what is not to be limited", at)
	}
	if q != nil && q.Burst > 0 && q.Rate == 0 {
		fault("%s has a burst and no rate that it could exceed", at)
	}
}

// tokensConfig bounds dynsvc's own tokens of others than admins.
type tokensConfig struct {
	Age    string `hcl:"age,optional"`     // of a token for which none is given; default 2160h
	MaxAge string `hcl:"max_age,optional"` // default 8760h
}

// oidcConfig is an OpenID provider.
type oidcConfig struct {
	Issuer         string   `hcl:"issuer"`
	Audience       []string `hcl:"audience"`
	Algorithms     []string `hcl:"algorithms,optional"`  // default RS256, ES256, EdDSA
	ClockSkew      string   `hcl:"clock_skew,optional"`  // default 1m
	NameClaim      string   `hcl:"name_claim,optional"`  // default sub
	NamePrefix     string   `hcl:"name_prefix,optional"` // before each name
	RolesClaim     string   `hcl:"roles_claim,optional"` // e.g. realm_access.roles
	AdminRoles     []string `hcl:"admin_roles,optional"`
	DeveloperRoles []string `hcl:"developer_roles,optional"` // "*": everyone
}

// kbaseAuth is KBase's auth service.
type kbaseAuth struct {
	URL            string   `hcl:"url,optional"`    // e.g. https://kbase.us/services/auth
	Legacy         string   `hcl:"legacy,optional"` // instead of url: …/Sessions/Login, which tells no roles
	AdminRoles     []string `hcl:"admin_roles,optional"`
	DeveloperRoles []string `hcl:"developer_roles,optional"` // "*": everyone
}

// fill puts empty blocks where the file has none.
func (a *authConfig) fill() {
	a.Tokens, a.Limits = orEmpty(a.Tokens), orEmpty(a.Limits)
	setDefault(&a.Calls, "checked")
}

func (a *authConfig) validate(fault func(format string, args ...any)) {
	if a.Calls != "checked" && a.Calls != "open" {
		fault("auth.calls = %q is neither \"checked\" nor \"open\"", a.Calls)
	}
	for _, user := range append(slices.Clone(a.Admins), a.Developers...) {
		if !service.ValidUserName(user) {
			fault("auth.admins and auth.developers: %q is not the name of a user", user)
		}
	}
	a.validateDurations(fault)
	a.Limits.Known.validate("auth.limits.known", fault)
	a.Limits.Anonymous.validate("auth.limits.anonymous", fault)
	issuers := map[string]bool{}
	for i := range a.OIDC {
		o := &a.OIDC[i]
		at := fmt.Sprintf("auth.oidc %d (%s)", i+1, o.Issuer)
		o.validate(at, fault)
		if issuers[o.Issuer] {
			fault("%s is there twice: put all audiences into one block", at)
		}
		issuers[o.Issuer] = true
	}
	if k := a.KBase; k != nil {
		if (k.URL == "") == (k.Legacy == "") {
			fault("auth.kbase needs url, or legacy in its place")
		}
		if why := insecure(k.URL + k.Legacy); why != "" {
			fault("auth.kbase: %q %s", k.URL+k.Legacy, why)
		}
		if k.Legacy != "" && len(k.AdminRoles) > 0 {
			fault("auth.kbase: legacy tells no roles, so admin_roles would be nobody's: name people in auth.admins")
		}
	}
}

func (o *oidcConfig) validate(at string, fault func(format string, args ...any)) {
	if why := insecure(o.Issuer); why != "" {
		fault("%s: issuer = %q %s", at, o.Issuer, why)
	}
	if len(o.Audience) == 0 || slices.Contains(o.Audience, "") {
		fault("%s needs an audience, or tokens meant for others would be good here", at)
	}
	for _, alg := range o.Algorithms {
		if !slices.Contains(auth.Algorithms, alg) {
			fault("%s: algorithms has %q, which is none of %s", at, alg, strings.Join(auth.Algorithms, ", "))
		}
	}
	if len(o.AdminRoles)+len(o.DeveloperRoles) > 0 && o.RolesClaim == "" && !slices.Equal(o.DeveloperRoles, []string{"*"}) {
		fault("%s has admin_roles or developer_roles and no roles_claim that they could be in", at)
	}
}

// insecure says why a URL is no place to send tokens to, or "".
func insecure(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "is not a URL such as https://login.example.org"
	case u.Scheme == "https", u.Hostname() == "localhost":
		return ""
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && (ip.IsLoopback() || ip.IsPrivate()) {
		return ""
	}
	return "must begin with https://: whoever is on the way could speak for it (http is for loopback and private addresses)"
}

// validateDurations checks what is to be a length of time.
func (a *authConfig) validateDurations(fault func(format string, args ...any)) {
	all := map[string]string{"auth.keep": a.Keep, "auth.tokens.age": a.Tokens.Age, "auth.tokens.max_age": a.Tokens.MaxAge}
	for i, o := range a.OIDC {
		all[fmt.Sprintf("auth.oidc %d: clock_skew", i+1)] = o.ClockSkew
	}
	for name, value := range all {
		if d, err := time.ParseDuration(value); value != "" && (err != nil || d <= 0) {
			fault("%s = %q is not a duration such as 90s or 720h", name, value)
		}
	}
}

// options of package auth.
func (a *authConfig) options() auth.Options {
	opts := auth.Options{Admins: a.Admins, Developers: a.Developers, Keep: duration(a.Keep)}
	for _, o := range a.OIDC {
		opts.OIDC = append(opts.OIDC, auth.NewOIDC(auth.OIDCOptions{Issuer: o.Issuer, Audience: o.Audience, Algorithms: o.Algorithms, Skew: duration(o.ClockSkew),
			NameClaim: o.NameClaim, Prefix: o.NamePrefix, RolesClaim: o.RolesClaim, AdminRoles: o.AdminRoles, DeveloperRoles: o.DeveloperRoles}))
	}
	if k := a.KBase; k != nil {
		opts.KBase = auth.NewKBase(auth.KBaseOptions{URL: k.URL, Legacy: k.Legacy, AdminRoles: k.AdminRoles, DeveloperRoles: k.DeveloperRoles})
	}
	return opts
}
