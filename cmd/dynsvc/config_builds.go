package main

import (
	"cmp"
	"io/fs"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/builds"
	"github.com/dynsvc/dynsvc/jobspec"
	"github.com/dynsvc/dynsvc/nomad"
	"github.com/dynsvc/dynsvc/repos"
)

// buildsConfig has images built of modules that come with a Dockerfile. Without the
// block they are not.
type buildsConfig struct {
	Registry    string   `hcl:"registry"`               // what the images' names begin with, e.g. registry.example.org/dynsvc
	Class       string   `hcl:"class,optional"`         // node class that builds; default builder
	Pool        string   `hcl:"pool,optional"`          // its node pool; default: any
	Datacenters []string `hcl:"datacenters,optional"`   // default: any
	Job         string   `hcl:"job,optional"`           // id of the batch job; default dynsvc-build
	PullFrom    string   `hcl:"pull_registry,optional"` // host of the registry of private base images, for which Nomad has a credential; default: none
	Docker      string   `hcl:"docker,optional"`        // the docker program on the nodes; default docker
	DockerHost  string   `hcl:"docker_host,optional"`   // its daemon; default: the program's own
	CPU         int      `hcl:"cpu,optional"`           // MHz that a build reserves; default 1000
	Memory      int      `hcl:"memory,optional"`        // MiB; default 1024
	Disk        int      `hcl:"disk,optional"`          // MiB for the module's files and the log; default 1024
	Timeout     string   `hcl:"timeout,optional"`       // of a build, and again of its push; default 30m
	Wait        string   `hcl:"wait_for_node,optional"` // how long a build waits for a place on a node; default 15m
	Concurrency int      `hcl:"concurrency,optional"`   // builds at once; default 2
}

// buildTimeout and buildWait are the defaults of Timeout and Wait.
const (
	buildTimeout = 30 * time.Minute
	buildWait    = 15 * time.Minute
)

func (c *buildsConfig) settings(n *nomadConfig) jobspec.BuildSettings {
	return jobspec.BuildSettings{
		Job: c.Job, Namespace: n.Namespace, Region: n.Region, Datacenters: c.Datacenters, Pool: c.Pool, Class: c.Class,
		Registry: c.Registry, PullRegistry: c.PullFrom, Docker: c.Docker, DockerHost: c.DockerHost, CPU: c.CPU, Memory: c.Memory, Disk: c.Disk, Time: cmp.Or(duration(c.Timeout), buildTimeout),
	}
}

// whole is the time for all of a build.
func (c *buildsConfig) whole() time.Duration {
	return cmp.Or(duration(c.Wait), buildWait) + 2*cmp.Or(duration(c.Timeout), buildTimeout)
}

// builder is what builds on the cluster, by the template in override where there is one.
func (c *buildsConfig) builder(on *nomad.Cluster, settings jobspec.BuildSettings, bundles string, override fs.FS, dir string, log hclog.Logger) (*builds.Builder, error) {
	job, err := jobspec.RenderBuild(override, settings)
	if err != nil {
		return nil, err
	}
	runs := &nomadBuilds{cluster: on, settings: settings, job: job, bundles: bundles}
	return builds.New(runs, log, builds.Options{Dir: dir, Concurrency: c.Concurrency, Time: c.whole()}), nil
}

// validate reports what the grammar cannot see; the job's settings are checked with the job.
func (c *buildsConfig) validate(fault func(format string, args ...any)) {
	for name, value := range map[string]string{"timeout": c.Timeout, "wait_for_node": c.Wait} {
		if d, err := time.ParseDuration(value); value != "" && (err != nil || d < time.Second) {
			fault("builds.%s = %q is not a duration such as 30m", name, value)
		}
	}
	if c.Concurrency < 0 {
		fault("builds.concurrency = %d is not a number of builds", c.Concurrency)
	}
}

// among makes room for registrations that wait for their images: others are not to
// wait behind them.
func (c *buildsConfig) among(git repos.Options) repos.Options {
	git.Workers = 2 + 4*cmp.Or(c.Concurrency, 2)
	git.Time = 4 * c.whole()
	return git
}
