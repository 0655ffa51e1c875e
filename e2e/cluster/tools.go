package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// buildTools runs scripts/tools, which knows the pinned versions and where the
// cache is, and takes the paths that it prints.
func (c *Cluster) buildTools(ctx context.Context) error {
	repo, err := repoRoot()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(repo, "scripts", "tools"), "nomad", "consul", "fakegpu")
	if c.cacheDir != "" {
		cmd.Env = append(os.Environ(), "DYNSVC_CACHE="+c.cacheDir)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("scripts/tools: %w: %s", err, stderr.String())
	}
	paths := map[string]string{}
	for line := range strings.Lines(stdout.String()) {
		name, path, _ := strings.Cut(strings.TrimSpace(line), "=")
		paths[name] = path
	}
	c.NomadBin, c.ConsulBin, c.fakegpu = paths["nomad"], paths["consul"], paths["fakegpu"]
	if c.NomadBin == "" || c.ConsulBin == "" || c.fakegpu == "" {
		return fmt.Errorf("scripts/tools named no path for some program: %q", stdout.String())
	}
	if c.cacheDir == "" {
		c.cacheDir = filepath.Dir(filepath.Dir(c.NomadBin))
	}
	return nil
}

// repoRoot is the nearest directory upwards that has scripts/tools: tests run
// in their package's directory, people anywhere in the tree.
func repoRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "scripts", "tools")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("find the repository: no scripts/tools here or above")
		}
		dir = up
	}
}
