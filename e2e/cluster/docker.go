package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// startDocker starts a daemon and a registry of our own, and puts the pause
// image into the registry.
func (c *Cluster) startDocker(ctx context.Context) error {
	if c.Registry == "" {
		return nil
	}
	// Nomad gives a container with a card to the runtime named nvidia; with cards
	// that are not there, the usual one does.
	config := `{"runtimes": {"nvidia": {"path": "runc"}}}`
	if err := os.WriteFile(c.data("docker.json"), []byte(config+"\n"), 0o644); err != nil {
		return fmt.Errorf("configure Docker: %w", err)
	}
	// It touches no packet filter: published ports go through its own proxy
	// process, which is what they do on loopback anyway, and nothing leaves the
	// machine. So a daemon that is already here keeps all its rules.
	err := c.run("docker", []string{
		"dockerd",
		"--host=" + c.DockerHost,
		"--pidfile=" + c.data("docker.pid"),
		"--data-root=" + c.data("docker"),
		"--exec-root=" + c.data("docker-exec"),
		"--containerd-namespace=" + c.slot.bridge(),
		"--containerd-plugins-namespace=" + c.slot.bridge() + "-plugins",
		"--cgroup-parent=/" + c.slot.cgroup() + "docker",
		"--exec-opt=native.cgroupdriver=cgroupfs",
		"--bridge=" + c.slot.dockerBridge(),
		"--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false",
		"--config-file=" + c.data("docker.json"), // not the machine's
	})
	if err != nil {
		return err
	}
	if err := c.runRegistry(); err != nil {
		return err
	}
	if err := c.await(ctx, "registry", "the registry", 20*time.Second, c.registryAnswers); err != nil {
		return err
	}
	if err := c.pushPause(ctx); err != nil {
		return err
	}
	return c.await(ctx, "docker", "the Docker daemon", 60*time.Second, c.dockerAnswers)
}

func (c *Cluster) runRegistry() error {
	config := fmt.Sprintf("version: 0.1\nlog: {level: warn}\nstorage: {filesystem: {rootdirectory: %q}, delete: {enabled: true}}\nhttp: {addr: %q}\n",
		c.data("registry"), c.Registry)
	file := c.data("registry.yml")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return fmt.Errorf("configure the registry: %w", err)
	}
	return c.run("registry", []string{"docker-registry", "serve", file})
}

func (c *Cluster) dockerSocket() string { return filepath.Join(c.slot.dir(), "docker.sock") }

func (c *Cluster) registryAnswers(ctx context.Context) error {
	return answers(ctx, http.DefaultClient, "http://"+c.Registry+"/v2/")
}

func (c *Cluster) dockerAnswers(ctx context.Context) error {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", c.dockerSocket())
	}
	tr := &http.Transport{DialContext: dial}
	defer tr.CloseIdleConnections()
	return answers(ctx, &http.Client{Transport: tr}, "http://docker/_ping")
}

// answers is nil when url gives a 200.
func answers(ctx context.Context, client *http.Client, url string) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, res.Status)
	}
	return nil
}
