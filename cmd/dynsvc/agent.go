package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/auth"
	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/consul"
	"github.com/dynsvc/dynsvc/jobspec"
	"github.com/dynsvc/dynsvc/nomad"
	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

func newAgent() *cobra.Command {
	var path, role string
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Run the agent on Nomad and Consul",
		Long: `Runs the gateway, the scheduler, the catalog and the control API on Nomad and
Consul, until it is told to stop by SIGINT or SIGTERM. Then it refuses new calls,
lets those in flight end, and leaves the services running for the next agent.

With consul { lock = "…" } several agents share the work: one leads, the others pass
everything on to it, and one of them takes over when it is gone. See docs/operating.md.`,
		Example: `  dynsvc agent -config /etc/dynsvc/dynsvc.hcl
  DYNSVC_TOKEN=$(openssl rand -hex 24) dynsvc agent`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(path, role)
			if err != nil {
				return err
			}
			return runAgent(cmd.Context(), c, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "configuration file (default: none; Nomad and Consul are found by NOMAD_ADDR and CONSUL_HTTP_ADDR)")
	cmd.Flags().StringVar(&role, "role", "", "\"leader\" (leads or stands by) or \"gateway\" (never leads); default: as the configuration says, or leader")
	return cmd
}

func runAgent(ctx context.Context, c config, stdout, stderr io.Writer) error {
	log := hclog.New(&hclog.LoggerOptions{Name: "dynsvc", Level: hclog.LevelFromString(c.LogLevel), JSONFormat: c.LogJSON, Output: stderr})
	s, err := c.setup(ctx, log)
	if err != nil {
		return err
	}
	if c.Consul != nil && c.Consul.Lock != "" {
		s.stdout = stdout
		return runSplit(ctx, &c, s)
	}
	return runsAlone(ctx, &c, s, stdout)
}

// setup connects to Nomad and Consul as the configuration says.
func (c *config) setup(ctx context.Context, log hclog.Logger) (setup, error) {
	s := setup{log: log, dataDir: c.DataDir, url: c.URL, publicURL: c.PublicURL, token: c.Token, defaults: c.Defaults.defaults(), git: c.Git.options(),
		gateway: c.Gateway.options(), telemetry: *c.Telemetry,
		engine: scheduler.Options{Tick: duration(c.Policy.Tick), HoldFor: duration(c.Policy.HoldFor), Limits: c.Policy.limits(), Rules: c.Policy.rules()},
	}
	s.keep, s.keepLogs = c.Usage.retention(), c.Registrations.retention()
	s.defaults.Maxima = s.gateway.Maxima
	s.jobs = c.CallJobs.options(func(string, ...any) {}) // validate has told of all faults
	s.gateway.OpenCalls = c.Auth.Calls == "open"
	s.gateway.CallerLimits = c.Auth.Limits.limits()
	s.auth, s.tokenOptions = c.Auth.options(), auth.TokenOptions{Age: duration(c.Auth.Tokens.Age), MaxAge: duration(c.Auth.Tokens.MaxAge)}
	var err error
	if s.front, err = c.Gateway.front(log); err != nil {
		return s, err
	}
	if err := os.MkdirAll(c.DataDir, 0o755); err != nil {
		return s, fmt.Errorf("make the data folder: %w", err)
	}
	settings := c.jobSettings()
	var override fs.FS
	if c.Jobs.TemplateDir != "" {
		override = os.DirFS(c.Jobs.TemplateDir)
	}
	renderer, err := jobspec.New(override, settings)
	if err != nil {
		return s, err
	}
	rules, err := settings.Rules()
	if err != nil {
		return s, err
	}
	runs, err := nomad.Open(ctx, nomad.Options{Address: c.Nomad.Address, Token: c.Nomad.Token, Namespace: c.Nomad.Namespace, Region: c.Nomad.Region,
		TLS: nomad.TLS{CAFile: c.Nomad.CAFile, CertFile: c.Nomad.CertFile, KeyFile: c.Nomad.KeyFile}}, log.Named("nomad"))
	if err != nil {
		return s, err
	}
	s.cluster, s.engine.Measure, s.engine.Replace = runs, runs.Use, runs.Replace
	d := &nomadDeployer{cluster: runs, renderer: renderer, rules: rules, named: c.classes()}
	s.deployer = func(*catalog.Catalog) deployer { return d }
	if c.Consul != nil {
		s.consul, err = consul.Open(ctx, consul.Options{Address: c.Consul.Address, Token: c.Consul.Token,
			TLS: consul.TLS{CAFile: c.Consul.CAFile, CertFile: c.Consul.CertFile, KeyFile: c.Consul.KeyFile}}, log.Named("consul"))
		if err != nil {
			return s, err
		}
	}
	if c.Builds != nil {
		s.builds, err = c.Builds.builder(runs, c.Builds.settings(c.Nomad), settings.BundleURL, override, filepath.Join(c.DataDir, "builds"), log.Named("builds"))
		if err != nil {
			return s, err
		}
		s.git = c.Builds.among(s.git)
	}
	if c.KBase != nil {
		s.kbase = &kbaseSetup{options: c.KBase.options(c.PublicURL, c.URL), vault: runs}
		s.kbase.options.Origins = c.Gateway.CORS.trusted()
	}
	if c.Jobs.Mesh == "connect" {
		s.dialer = s.consul.Dialer()
		d.allow = s.consul.Allow
	}
	return s, nil
}

func (c *config) jobSettings() jobspec.Settings {
	return jobspec.Settings{
		Namespace: c.Nomad.Namespace, Region: c.Nomad.Region, Datacenters: c.Jobs.Datacenters,
		Drivers: c.Jobs.Drivers, AllowGPUFallback: c.Jobs.GPUFallback,
		Mesh: c.Jobs.Mesh == "connect", Sidecar: c.Jobs.Sidecar, ConsulAddr: c.Jobs.ConsulAddress, ConsulPath: c.Jobs.ConsulBinary,
		BundleURL: c.URL + server.BundlePath,
	}
}

func (c *config) classes() []service.Class {
	var classes []service.Class
	for _, k := range c.Classes {
		class := service.Class{Name: k.Name, Pool: k.Pool, Datacenters: k.Datacenters, CPU: k.CPU, Memory: k.Memory, Disk: k.Disk}
		for _, d := range k.Drivers {
			if class.Drivers == nil {
				class.Drivers = make(map[string]bool)
			}
			class.Drivers[d] = true
		}
		for _, d := range k.Devices {
			class.Devices = append(class.Devices, service.Device{Name: d.Name, Model: d.Model, Memory: d.Memory, Count: d.Count})
		}
		classes = append(classes, class)
	}
	return classes
}

// retention is what the operator set, and the defaults.
func (c *usageConfig) retention() store.Retention {
	return store.Retention{
		Samples: cmp.Or(duration(c.KeepSamples), keepUsage.Samples),
		Minutes: cmp.Or(duration(c.KeepMinutes), keepUsage.Minutes),
		Hours:   cmp.Or(duration(c.KeepHours), keepUsage.Hours),
	}
}

// defaults are the standard ones with what the operator set.
func (c *defaultsConfig) defaults() catalog.Defaults {
	d := catalog.StandardDefaults()
	for _, set := range []struct {
		to    *int
		value int
	}{
		{&d.Resources.CPU, c.CPU}, {&d.Resources.Memory, c.Memory}, {&d.Resources.Disk, c.Disk},
		{&d.Scale.Max, c.Max}, {&d.Scale.Concurrency, c.Concurrency},
	} {
		if set.value != 0 {
			*set.to = set.value
		}
	}
	for _, set := range []struct {
		to    *time.Duration
		value string
	}{{&d.Scale.IdleAfter.Duration, c.IdleAfter}, {&d.GPUIdleAfter.Duration, c.GPUIdleAfter}, {&d.StartDeadline.Duration, c.StartDeadline}} {
		if set.value != "" {
			*set.to = duration(set.value)
		}
	}
	d.KBaseImage = c.KBaseImage
	return d
}
