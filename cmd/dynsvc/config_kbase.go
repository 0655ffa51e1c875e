package main

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/server/kbase"
	"github.com/dynsvc/dynsvc/service"
)

// kbaseConfig has dynsvc answer KBase's clients under /services/. Without the
// block it does not.
type kbaseConfig struct {
	AuthURL    string   `hcl:"auth_url,optional"`    // KBase's auth service, e.g. https://kbase.us/services/auth; it says who calls
	AdminRoles []string `hcl:"admin_roles,optional"` // custom roles there that make an admin here

	DynServURL string `hcl:"dynserv_url,optional"` // what the URLs of services begin with; default URL/dynserv
	Endpoint   string `hcl:"endpoint,optional"`    // $KBASE_ENDPOINT of modules; default URL/services
	LoginURL   string `hcl:"login_url,optional"`   // $AUTH_SERVICE_URL of modules; default: the legacy one of auth_url
	StartWait  string `hcl:"start_wait,optional"`  // how long a lookup waits for an instance; default 8s

	Volumes []struct {
		Path     string `hcl:"path,label"` // as admins name it when they mount it
		Source   string `hcl:"source"`     // name of the Nomad host volume
		ReadOnly bool   `hcl:"read_only,optional"`
	} `hcl:"volume,block"`
	Groups []struct {
		Name    string   `hcl:"name,label"`
		Classes []string `hcl:"classes"` // node classes that stand for the group
	} `hcl:"client_group,block"`
	Core []struct {
		Name string `hcl:"name,label"` // as clients look it up, in any letter case
		URL  string `hcl:"url"`
	} `hcl:"core_service,block"`
}

// join makes one of what this block and auth.kbase say of the auth service.
func (c *kbaseConfig) join(a *authConfig) {
	switch {
	case a.KBase != nil:
		setDefault(&c.AuthURL, a.KBase.URL)
		setDefault(&c.LoginURL, a.KBase.Legacy)
	case c.AuthURL != "":
		a.KBase = &kbaseAuth{URL: c.AuthURL, AdminRoles: c.AdminRoles}
	}
}

// legacyLogin is where KBase's auth service answers modules.
const legacyLogin = "/api/legacy/KBase/Sessions/Login"

// options are the facade's; public is where callers reach the gateway, and inside where
// instances do.
func (c *kbaseConfig) options(public, inside string) kbase.Options {
	o := kbase.Options{URL: public, DynServ: c.DynServURL, Version: version, StartWait: duration(c.StartWait),
		Volumes: map[string]kbase.Volume{}, Groups: map[string][]string{}, Core: map[string]kbase.Core{}}
	o.Environment = kbase.Environment{Endpoint: strings.TrimSuffix(c.Endpoint, "/"), AuthURL: c.LoginURL}
	setDefault(&o.Environment.Endpoint, inside+strings.TrimSuffix(kbase.Prefix, "/"))
	if c.AuthURL != "" {
		setDefault(&o.Environment.AuthURL, strings.TrimSuffix(c.AuthURL, "/")+legacyLogin)
	}
	o.Environment.AllowInsecure = strings.HasPrefix(o.Environment.AuthURL, "http:")
	for _, v := range c.Volumes {
		o.Volumes[strings.TrimSuffix(v.Path, "/")] = kbase.Volume{Source: v.Source, ReadOnly: v.ReadOnly}
	}
	for _, g := range c.Groups {
		o.Groups[g.Name] = g.Classes
	}
	for _, s := range c.Core {
		o.Core[service.ModuleKey(s.Name)] = kbase.Core{Name: s.Name, URL: s.URL}
	}
	return o
}

// validate reports what the grammar cannot see.
func (c *kbaseConfig) validate(fault func(format string, args ...any)) {
	urls := map[string]string{"auth_url": c.AuthURL, "dynserv_url": c.DynServURL, "endpoint": c.Endpoint, "login_url": c.LoginURL}
	for _, s := range c.Core {
		urls[fmt.Sprintf("core_service %q url", s.Name)] = cmp.Or(s.URL, "nowhere")
		if !service.ValidModuleName(s.Name) {
			fault("kbase.core_service %q: that is no module's name, so nobody would look it up", s.Name)
		}
	}
	for name, value := range urls {
		if u, err := url.Parse(value); value != "" && (err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http")) {
			fault("kbase.%s = %q is not a URL such as https://kbase.example.org/services", name, value)
		}
	}
	if d, err := time.ParseDuration(c.StartWait); c.StartWait != "" && (err != nil || d <= 0) {
		fault("kbase.start_wait = %q is not a duration such as 8s", c.StartWait)
	}
	for _, v := range c.Volumes {
		if !strings.HasPrefix(v.Path, "/") || v.Source == "" {
			fault("kbase.volume %q needs the path of a folder and the name of a Nomad host volume as source", v.Path)
		}
	}
	for _, g := range c.Groups {
		if len(g.Classes) == 0 {
			fault("kbase.client_group %q names no node class", g.Name)
		}
	}
}
