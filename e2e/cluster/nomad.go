package cluster

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

//go:embed *.hcl.tmpl
var configFiles embed.FS

var configs = template.Must(template.New("").Delims("[[", "]]").Option("missingkey=error").ParseFS(configFiles, "*.hcl.tmpl"))

// client is what a Nomad client's configuration is rendered from.
type client struct {
	Class, IP, Server, Data, PluginDir     string
	Bridge, BridgeIP, BridgeSubnet, Cgroup string
	DockerSocket, PauseImage               string
	PortLow, PortHigh, MHz, MiB            int
	Docker, GPU                            bool
}

// startNomad starts the server and waits for its leader, then the clients.
func (c *Cluster) startNomad(ctx context.Context) error {
	server := client{IP: c.slot.ip(1), Data: c.data("nomad-server")}
	if err := c.runNomad("nomad-server", "nomad-server.hcl.tmpl", server); err != nil {
		return err
	}
	if err := c.await(ctx, "nomad-server", "a Nomad leader", 60*time.Second, c.nomadLeads); err != nil {
		return err
	}
	for i, class := range Classes {
		cl := client{
			Class: class, IP: c.slot.ip(11 + i), Server: c.slot.ip(1), Data: c.data(class), PluginDir: c.data("no-plugins"),
			Bridge: c.slot.bridge(), BridgeIP: c.slot.bridgeIP(), BridgeSubnet: c.slot.bridgeSubnet(), Cgroup: c.slot.cgroup(),
			MHz: capacity[class].MHz, MiB: capacity[class].MiB,
			Docker: c.Registry != "", DockerSocket: c.dockerSocket(), PauseImage: c.pauseImage(),
			GPU: class == "gpu",
		}
		cl.PortLow, cl.PortHigh = c.slot.ports(i)
		if cl.GPU {
			cl.PluginDir = filepath.Dir(c.fakegpu)
		}
		if err := c.runNomad("nomad-"+class, "nomad-client.hcl.tmpl", cl); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) runNomad(name, tmpl string, data client) error {
	var text bytes.Buffer
	if err := configs.ExecuteTemplate(&text, tmpl, data); err != nil {
		return fmt.Errorf("render the configuration of %s: %w", name, err)
	}
	file := c.data(name + ".hcl")
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("configure %s: %w", name, err)
	}
	// The hook that prepares a Connect sidecar looks for consul on the PATH.
	path := "PATH=" + filepath.Dir(c.ConsulBin) + ":" + os.Getenv("PATH")
	return c.run(name, []string{c.NomadBin, "agent", "-config=" + file}, path)
}

func (c *Cluster) nomadLeads(context.Context) error {
	leader, err := c.Nomad.Status().Leader()
	if err != nil {
		return err
	}
	if leader == "" {
		return errors.New("no leader yet")
	}
	return nil
}

// purgeJobs stops every job and waits until no allocation runs.
func (c *Cluster) purgeJobs(ctx context.Context) error {
	p, err := c.process("nomad-server")
	if err != nil || !p.running() || c.nomadLeads(ctx) != nil {
		return nil // it never came up, or a test ended it: nothing to ask
	}
	opts := (&nomad.QueryOptions{Namespace: nomad.AllNamespacesNamespace}).WithContext(ctx)
	jobs, _, err := c.Nomad.Jobs().List(opts)
	if err != nil {
		return fmt.Errorf("list the jobs to stop: %w", err)
	}
	for _, job := range jobs {
		write := (&nomad.WriteOptions{Namespace: job.Namespace}).WithContext(ctx)
		if _, _, err := c.Nomad.Jobs().Deregister(job.ID, true, write); err != nil {
			return fmt.Errorf("stop job %s: %w", job.ID, err)
		}
	}
	if err := WaitFor(ctx, "the allocations to end", 45*time.Second, c.nothingRuns); err != nil {
		return err
	}
	// An allocation is complete for the server before its client has taken down
	// its network. A client that was killed meanwhile, as tests do, forgets one now
	// and then: that is said, and left to the sweep.
	err = WaitFor(ctx, "the allocations' networks to go", 20*time.Second, func(context.Context) error {
		allocs, err := c.slot.allocs()
		if err != nil {
			return err
		}
		if left, err := leases(allocs); err != nil || len(left) > 0 {
			return errors.Join(err, fmt.Errorf("addresses still taken: %v", left))
		}
		return nil
	})
	if err != nil {
		fmt.Fprintf(c.progress, "left to the sweep: %v\n", err)
	}
	return nil
}

func (c *Cluster) nothingRuns(ctx context.Context) error {
	opts := (&nomad.QueryOptions{Namespace: nomad.AllNamespacesNamespace}).WithContext(ctx)
	allocs, _, err := c.Nomad.Allocations().List(opts)
	if err != nil {
		return err
	}
	var live []string
	for _, a := range allocs {
		if a.ClientStatus == nomad.AllocClientStatusRunning || a.ClientStatus == nomad.AllocClientStatusPending {
			live = append(live, a.JobID+" on "+a.NodeName)
		}
	}
	if len(live) > 0 {
		return fmt.Errorf("still there: %s", strings.Join(live, ", "))
	}
	return nil
}
