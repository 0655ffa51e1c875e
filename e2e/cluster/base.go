package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// basePackages are a Debian with Python in which a Dockerfile's RUN works and a
// KBase module finds what its scripts use.
var basePackages = append(slices.Clone(pythonPackages),
	"dash", "bash", "coreutils", "sed", "grep", "make", "python3-jinja2", "python3-markupsafe",
	"libtinfo6", "libselinux1", "libpcre2-8-0", "libacl1", "libattr1", "libgmp10")

// userEnv is what KBase's base images have for their modules' scripts to read.
const userEnv = "export PATH=/usr/local/bin:/usr/bin:/bin\nexport KB_TOP=/kb/deployment\n"

// BaseImage gives the Docker daemon an image under the names that Dockerfiles begin
// with, which nothing can be pulled for here: a small Debian with a shell and Python.
func (c *Cluster) BaseImage(ctx context.Context, names ...string) (err error) {
	root, err := c.debianRoot(ctx, basePackages)
	if err != nil {
		return fmt.Errorf("prepare a base image: %w", err)
	}
	dir, err := os.MkdirTemp("", "base")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	env, bin := filepath.Join(dir, "user-env.sh"), filepath.Join(dir, "bin")
	err = errors.Join(os.WriteFile(env, []byte(userEnv), 0o644), os.Mkdir(bin, 0o755), os.Symlink("/usr/bin/python3", filepath.Join(bin, "python")))
	if err != nil {
		return err
	}
	ref, err := c.BuildImage(ctx, Image{
		Name: "base:1", Trees: []Tree{{Dir: root}, {Dir: bin, At: "/usr/local/bin"}}, Files: map[string]string{"/kb/deployment/user-env.sh": env},
		Cmd: []string{"/bin/bash"}, Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"},
	})
	if err != nil {
		return err
	}
	if err := c.docker(ctx, "pull", "--quiet", ref); err != nil {
		return err
	}
	for _, name := range names {
		if err := c.docker(ctx, "tag", ref, name); err != nil {
			return err
		}
	}
	return nil
}

// docker runs Docker's own program on the cluster's daemon.
func (c *Cluster) docker(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "docker", append([]string{"--host", c.DockerHost}, args...)...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("docker %s: %w: %s", args[0], err, text)
	}
	return nil
}
