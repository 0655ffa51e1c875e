package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	consul "github.com/hashicorp/consul/api"
	nomad "github.com/hashicorp/nomad/api"
)

// Classes are the node classes, one client each; also the clients' node names.
var Classes = []string{"general", "highmem", "gpu"}

// capacity is what a client of each class claims to have.
var capacity = map[string]struct{ MHz, MiB int }{
	"general": {MHz: 8000, MiB: 8 << 10},
	"highmem": {MHz: 8000, MiB: 64 << 10},
	"gpu":     {MHz: 8000, MiB: 16 << 10},
}

// Options say what to start. The zero value is a whole cluster.
type Options struct {
	// Dir takes cluster.json and logs/. Empty: a directory of the slot, which the
	// next cluster of the slot empties.
	Dir string
	// CacheDir holds the built servers and unpacked packages. Empty: what
	// scripts/tools uses ($DYNSVC_CACHE, or dynsvc in the user's cache directory).
	CacheDir string
	// NoDocker leaves out the daemon, the registry and the docker driver.
	NoDocker bool
	// Progress is told what is being waited for. Nil: nobody is.
	Progress io.Writer
}

// Cluster is a running cluster. Its fields are facts, set by Start.
type Cluster struct {
	Dir         string            // holds cluster.json and logs/
	NomadAddr   string            // of the server: http://host:port
	ConsulAddr  string            // of the server: http://host:port
	Registry    string            // host:port, plain HTTP; empty without Docker
	DockerHost  string            // unix://…; empty without Docker
	BridgeAddr  string            // where Consul answers inside a bridge network: host:port
	ConsulBin   string            // path of the consul program, static
	NomadBin    string            // path of the nomad program
	ClientAddrs map[string]string // Nomad client by class: http://host:port
	ConsulAddrs map[string]string // Consul agent of the client by class: http://host:port
	Nomad       *nomad.Client     `json:"-"`
	Consul      *consul.Client    `json:"-"`

	slot     *slot
	spawn    *spawner
	procs    []*process // in the order in which they were started
	cacheDir string
	fakegpu  string
	progress io.Writer
}

// Start starts everything and returns when it is ready, which is a list of
// facts told by the APIs (see ready.go). On failure nothing is left running and
// the error says where the logs are.
func Start(ctx context.Context, opts Options) (*Cluster, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("the cluster needs root: bridges, network namespaces, containers")
	}
	s, err := takeSlot()
	if err != nil {
		return nil, err
	}
	if err := s.sweep(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("clear what an earlier run left: %w", err), s.release())
	}
	c := &Cluster{
		Dir:         opts.Dir,
		NomadAddr:   "http://" + s.ip(1) + ":4646",
		ConsulAddr:  "http://" + s.ip(1) + ":8500",
		BridgeAddr:  s.bridgeIP() + ":8500",
		ClientAddrs: map[string]string{},
		ConsulAddrs: map[string]string{},
		slot:        s,
		spawn:       newSpawner(),
		cacheDir:    opts.CacheDir,
		progress:    opts.Progress,
	}
	if c.progress == nil {
		c.progress = io.Discard
	}
	if c.Dir == "" {
		c.Dir = filepath.Join(s.dir(), "run")
		if err := os.RemoveAll(c.Dir); err != nil {
			return nil, errors.Join(fmt.Errorf("clear what an earlier run left: %w", err), s.release())
		}
	}
	for i, class := range Classes {
		c.ClientAddrs[class] = "http://" + s.ip(11+i) + ":4646"
		c.ConsulAddrs[class] = "http://" + s.ip(11+i) + ":8500"
	}
	if !opts.NoDocker {
		c.Registry = s.ip(1) + ":5000"
		c.DockerHost = "unix://" + c.dockerSocket()
	}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, fmt.Errorf("logs are in %s", c.logDir()), c.Stop())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	began := time.Now()
	for _, dir := range []string{c.slot.dir(), c.logDir()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make the cluster's directory: %w", err)
		}
	}
	var err error
	if c.Nomad, err = nomad.NewClient(&nomad.Config{Address: c.NomadAddr}); err != nil {
		return fmt.Errorf("make a client for Nomad: %w", err)
	}
	if c.Consul, err = consul.NewClient(&consul.Config{Address: c.ConsulAddr}); err != nil {
		return fmt.Errorf("make a client for Consul: %w", err)
	}
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"build the pinned servers", c.buildTools},
		{"make the bridges", c.makeBridges}, // before the agent that listens on one
		{"start Consul", c.startConsul},
		{"start Docker", c.startDocker},
		{"start Nomad", c.startNomad},
		{"become ready", c.awaitReady},
		{"write cluster.json", func(context.Context) error { return c.writeJSON() }},
	}
	for _, step := range steps {
		fmt.Fprintf(c.progress, "%5.1fs  %s\n", time.Since(began).Seconds(), step.what)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	fmt.Fprintf(c.progress, "%5.1fs  ready\n", time.Since(began).Seconds())
	return nil
}

// Stop ends the jobs, then the processes, newest first, and removes what they
// made: mounts, network namespaces, bridges, data. Logs stay.
func (c *Cluster) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	// Jobs first: only a living client takes down its allocations' networks. What
	// it did not manage in time, the sweep does.
	errs := []error{c.purgeJobs(ctx)}
	for _, p := range slices.Backward(c.procs) {
		began := time.Now()
		errs = append(errs, p.stop(10*time.Second))
		fmt.Fprintf(c.progress, "%5.1fs  to stop %s\n", time.Since(began).Seconds(), p.name)
	}
	c.spawn.close()
	return errors.Join(append(errs, c.slot.sweep(ctx), c.slot.release())...)
}

func (c *Cluster) logDir() string { return filepath.Join(c.Dir, "logs") }

// data is where a process keeps its state; removed by Stop.
func (c *Cluster) data(name string) string { return filepath.Join(c.slot.dir(), name) }

func (c *Cluster) writeJSON() error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("print the addresses: %w", err)
	}
	name := filepath.Join(c.Dir, "cluster.json")
	if err := os.WriteFile(name+".tmp", append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the addresses: %w", err)
	}
	return os.Rename(name+".tmp", name)
}
