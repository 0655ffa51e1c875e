package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// config is the agent's configuration file. Files and environment are read here
// and nowhere else. Unknown keys are errors that name the key and its place.
type config struct {
	Listen    string `hcl:"listen,optional"`     // host:port; default 127.0.0.1:8080
	URL       string `hcl:"url,optional"`        // where Nomad's nodes and instances reach the agent; default http://LISTEN
	PublicURL string `hcl:"public_url,optional"` // where callers do, if that is elsewhere: a proxy that ends TLS; default url
	DataDir   string `hcl:"data_dir,optional"`   // database and uploaded modules; default ./dynsvc-data
	Token     string `hcl:"token,optional"`      // admin token; $DYNSVC_TOKEN wins
	LogLevel  string `hcl:"log_level,optional"`  // trace, debug, info, warn, error; default info
	LogJSON   bool   `hcl:"log_json,optional"`
	Role      string `hcl:"role,optional"` // of several agents with one consul.lock: "leader" (default) or "gateway", which never leads

	Nomad    *nomadConfig    `hcl:"nomad,block"`
	Consul   *consulConfig   `hcl:"consul,block"`
	Jobs     *jobsConfig     `hcl:"jobs,block"`
	Classes  []classConfig   `hcl:"class,block"`
	Defaults *defaultsConfig `hcl:"defaults,block"`
	Gateway  *gatewayConfig  `hcl:"gateway,block"`
	Policy   *policyConfig   `hcl:"policy,block"`
	Auth     *authConfig     `hcl:"auth,block"`
	KBase    *kbaseConfig    `hcl:"kbase,block"` // absent: KBase's clients are not served
	Usage    *usageConfig    `hcl:"usage,block"`
	Git      *gitConfig      `hcl:"git,block"`
	Builds   *buildsConfig   `hcl:"builds,block"` // absent: images are built elsewhere
	CallJobs *callJobsConfig `hcl:"call_jobs,block"`

	Registrations *registrationsConfig `hcl:"registrations,block"`

	Telemetry *telemetryConfig `hcl:"telemetry,block"`
}

// nomadConfig says how to reach Nomad. What is empty is taken from the NOMAD_*
// environment that Nomad's own command line reads.
type nomadConfig struct {
	Address   string `hcl:"address,optional"`
	Token     string `hcl:"token,optional"`
	Namespace string `hcl:"namespace,optional"`
	Region    string `hcl:"region,optional"`
	CAFile    string `hcl:"ca_file,optional"`
	CertFile  string `hcl:"cert_file,optional"`
	KeyFile   string `hcl:"key_file,optional"`
}

// consulConfig says how to reach Consul; the rest comes from CONSUL_*.
type consulConfig struct {
	Address    string `hcl:"address,optional"`
	Token      string `hcl:"token,optional"`
	Datacenter string `hcl:"datacenter,optional"`
	CAFile     string `hcl:"ca_file,optional"`
	CertFile   string `hcl:"cert_file,optional"`
	KeyFile    string `hcl:"key_file,optional"`

	Lock      string `hcl:"lock,optional"`      // key that several agents agree by on who leads; default none: this agent is alone
	Advertise string `hcl:"advertise,optional"` // URL by which the other agents reach this one; default http://LISTEN
}

// jobsConfig says how versions become Nomad jobs.
type jobsConfig struct {
	Mesh          string   `hcl:"mesh,optional"`           // "connect" or "plain" (default)
	Sidecar       string   `hcl:"sidecar,optional"`        // "envoy" (Nomad's own, default) or "consul" (its built-in proxy)
	ConsulBinary  string   `hcl:"consul_binary,optional"`  // on the nodes, for sidecar "consul"; default consul
	ConsulAddress string   `hcl:"consul_address,optional"` // Consul as seen from inside an allocation, for sidecar "consul"
	Drivers       []string `hcl:"drivers,optional"`        // in order of preference; default docker, exec
	Datacenters   []string `hcl:"datacenters,optional"`    // default: those of the nodes that fit
	TemplateDir   string   `hcl:"template_dir,optional"`   // files here replace the built-in templates of the same name
	GPUFallback   bool     `hcl:"gpu_fallback,optional"`   // let services without GPU onto GPU nodes when nothing else fits
}

// classConfig names a node class and, optionally, what its nodes have.
type classConfig struct {
	Name        string   `hcl:"name,label"`
	Pool        string   `hcl:"pool,optional"`
	Datacenters []string `hcl:"datacenters,optional"`
	CPU         int      `hcl:"cpu,optional"`    // MHz
	Memory      int      `hcl:"memory,optional"` // MiB
	Disk        int      `hcl:"disk,optional"`   // MiB
	Drivers     []string `hcl:"drivers,optional"`
	Devices     []struct {
		Name   string `hcl:"name,label"`
		Model  string `hcl:"model,optional"`
		Memory int    `hcl:"memory,optional"` // MiB
		Count  int    `hcl:"count"`
	} `hcl:"device,block"`
}

// defaultsConfig is what a manifest that says nothing gets.
type defaultsConfig struct {
	CPU           int    `hcl:"cpu,optional"`
	Memory        int    `hcl:"memory,optional"`
	Disk          int    `hcl:"disk,optional"`
	Max           int    `hcl:"max,optional"`
	Concurrency   int    `hcl:"concurrency,optional"`
	IdleAfter     string `hcl:"idle_after,optional"`
	GPUIdleAfter  string `hcl:"gpu_idle_after,optional"` // where a version has a GPU
	StartDeadline string `hcl:"start_deadline,optional"`
	KBaseImage    string `hcl:"kbase_image,optional"` // image of a module that has only a kbase.yml
}

// usageConfig is how long usage is kept, by the width of its buckets.
type usageConfig struct {
	KeepSamples string `hcl:"keep_samples,optional"` // 5 seconds; default 6h
	KeepMinutes string `hcl:"keep_minutes,optional"` // default 336h, 14 days
	KeepHours   string `hcl:"keep_hours,optional"`   // default 9600h, 400 days
}

// loadConfig reads path (nothing when empty), fills in the defaults and returns
// all faults at once.
func loadConfig(path, role string) (config, error) {
	c := config{}
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return c, usagef("read the configuration: %w", err)
		}
		if err := decodeConfig(path, text, &c); err != nil {
			return c, err
		}
	}
	c.Nomad, c.Jobs, c.Defaults = orEmpty(c.Nomad), orEmpty(c.Jobs), orEmpty(c.Defaults)
	c.Gateway, c.Policy, c.Usage, c.Auth, c.Git = orEmpty(c.Gateway), orEmpty(c.Policy), orEmpty(c.Usage), orEmpty(c.Auth), orEmpty(c.Git)
	c.Telemetry = orEmpty(c.Telemetry)
	c.CallJobs, c.Registrations = orEmpty(c.CallJobs), orEmpty(c.Registrations)
	c.Auth.fill()
	if c.KBase != nil {
		c.KBase.join(c.Auth)
	}
	for name, secret := range map[string]*string{
		"DYNSVC_TOKEN": &c.Token, "DYNSVC_GITHUB_SECRET": &c.Git.GitHubSecret, "DYNSVC_GITLAB_SECRET": &c.Git.GitLabSecret,
	} {
		if value := os.Getenv(name); value != "" {
			*secret = value
		}
	}
	if role != "" {
		c.Role = role
	}
	setDefault(&c.Role, roleLeader)
	setDefault(&c.Listen, "127.0.0.1:8080")
	scheme := "http://"
	if c.Gateway.TLS != nil {
		scheme = "https://"
	}
	setDefault(&c.URL, scheme+c.Listen)
	setDefault(&c.PublicURL, c.URL)
	setDefault(&c.DataDir, "dynsvc-data")
	setDefault(&c.LogLevel, "info")
	setDefault(&c.Jobs.Mesh, "plain")
	setDefault(&c.Jobs.Sidecar, "envoy")
	setDefault(&c.Jobs.ConsulBinary, "consul")
	if len(c.Jobs.Drivers) == 0 {
		c.Jobs.Drivers = []string{"docker", "exec"}
	}
	return c, c.validate()
}

func decodeConfig(path string, text []byte, c *config) error {
	file, diags := hclsyntax.ParseConfig(text, path, hcl.InitialPos)
	if !diags.HasErrors() {
		diags = append(diags, gohcl.DecodeBody(file.Body, nil, c)...)
	}
	return placed(path, diags)
}

// placed says where in a file its faults are.
func placed(path string, diags hcl.Diagnostics) error {
	var faults []error
	for _, d := range diags {
		place := path
		if d.Subject != nil {
			place = fmt.Sprintf("%s:%d:%d", path, d.Subject.Start.Line, d.Subject.Start.Column)
		}
		faults = append(faults, fmt.Errorf("%s: %s; %s", place, d.Summary, d.Detail))
	}
	if len(faults) > 0 {
		return usagef("%w", errors.Join(faults...))
	}
	return nil
}

// orEmpty stands in for a block that the file does not have.
func orEmpty[T any](block *T) *T {
	if block == nil {
		block = new(T)
	}
	return block
}

func setDefault(s *string, value string) {
	if *s == "" {
		*s = value
	}
}

// validate returns every fault that the grammar cannot see.
func (c *config) validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		fault("listen = %q is not host:port", c.Listen)
	}
	for name, at := range map[string]*string{"url": &c.URL, "public_url": &c.PublicURL} {
		if u, err := url.Parse(*at); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			fault("%s = %q is not a URL such as http://dynsvc.example.org:8080", name, *at)
		}
		*at = strings.TrimSuffix(*at, "/")
	}
	if c.Token == "" && c.Role != roleGateway {
		fault("no admin token: set token in the configuration or $DYNSVC_TOKEN; \"openssl rand -hex 24\" makes one")
	}
	if !slices.Contains([]string{"trace", "debug", "info", "warn", "error"}, c.LogLevel) {
		fault("log_level = %q is none of trace, debug, info, warn, error", c.LogLevel)
	}
	if !slices.Contains([]string{"connect", "plain"}, c.Jobs.Mesh) {
		fault("jobs.mesh = %q is neither \"connect\" nor \"plain\"", c.Jobs.Mesh)
	}
	if !slices.Contains([]string{"envoy", "consul"}, c.Jobs.Sidecar) {
		fault("jobs.sidecar = %q is neither \"envoy\" nor \"consul\"", c.Jobs.Sidecar)
	}
	if c.Jobs.Mesh == "connect" && c.Consul == nil {
		fault("jobs.mesh = \"connect\" needs a consul block (an empty one takes CONSUL_HTTP_ADDR)")
	}
	for _, d := range c.Jobs.Drivers {
		if !slices.Contains([]string{"docker", "exec", "raw_exec"}, d) {
			fault("jobs.drivers has %q, which is none of docker, exec, raw_exec", d)
		}
	}
	for name, value := range map[string]string{
		"defaults.idle_after": c.Defaults.IdleAfter, "defaults.gpu_idle_after": c.Defaults.GPUIdleAfter, "defaults.start_deadline": c.Defaults.StartDeadline,
		"git.timeout": c.Git.Timeout, "policy.tick": c.Policy.Tick, "policy.hold_for": c.Policy.HoldFor, "policy.replace_after": c.Policy.ReplaceAfter,
		"registrations.keep_logs": c.Registrations.KeepLogs,
		"usage.keep_samples":      c.Usage.KeepSamples, "usage.keep_minutes": c.Usage.KeepMinutes, "usage.keep_hours": c.Usage.KeepHours,
	} {
		if d, err := time.ParseDuration(value); value != "" && (err != nil || d <= 0) {
			fault("%s = %q is not a duration such as 90s or 10m", name, value)
		}
	}
	c.validateSplit(fault)
	c.Gateway.validate(fault)
	c.Telemetry.validate(fault)
	c.Auth.validate(fault)
	c.Git.validate(fault)
	c.CallJobs.options(fault)
	c.Registrations.validate(fault)
	c.Policy.validate(fault)
	if c.KBase != nil {
		c.KBase.validate(fault)
	}
	if c.Builds != nil {
		c.Builds.validate(fault)
	}
	if len(faults) > 0 {
		return usagef("the configuration has faults:\n%w", errors.Join(faults...))
	}
	return nil
}

// duration reads what validate has checked; empty is zero, which stands for the
// default of the part that gets it.
func duration(text string) time.Duration {
	d, _ := time.ParseDuration(text) // checked by validate; empty gives zero
	return d
}
