package cluster

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// pythonPackages are a Python 3 with its standard library and the libraries
// that its extension modules load, as Debian 12 cuts them.
var pythonPackages = []string{
	"python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib",
	"libc6", "libexpat1", "zlib1g", "libssl3", "libffi8", "libbz2-1.0", "liblzma5", "libuuid1", "libsqlite3-0",
}

// PythonImage makes an image of a Python 3 and the directory dir, which appears
// as /app. Without an entrypoint it runs /app/server.py.
func (c *Cluster) PythonImage(ctx context.Context, name, dir string, entrypoint ...string) (ref string, err error) {
	python, err := c.debianRoot(ctx, pythonPackages)
	if err != nil {
		return "", fmt.Errorf("prepare Python: %w", err)
	}
	if len(entrypoint) == 0 {
		entrypoint = []string{"/usr/bin/python3", "-u", "/app/server.py"}
	}
	return c.BuildImage(ctx, Image{
		Name:       name,
		Trees:      []Tree{{Dir: python}, {Dir: dir, At: "/app"}},
		Entrypoint: entrypoint,
		WorkDir:    "/app",
		Env:        []string{"PATH=/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE=1", "LANG=C.UTF-8"},
	})
}

// debianRoot unpacks packages into the cache, once per set of versions.
func (c *Cluster) debianRoot(ctx context.Context, packages []string) (string, error) {
	// The list of places holds versions and hashes, and asking for it fetches nothing.
	places, err := output(ctx, "apt-get", append([]string{"download", "--print-uris"}, packages...)...)
	if err != nil {
		return "", fmt.Errorf("look up the packages (has apt-get update been run?): %w", err)
	}
	dir := filepath.Join(c.cacheDir, fmt.Sprintf("python-%.6x", sha256.Sum256([]byte(places))))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(c.cacheDir, 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(c.cacheDir, "python-new-")
	if err != nil {
		return "", err
	}
	if err := unpack(ctx, tmp, packages); err != nil {
		return "", errors.Join(err, os.RemoveAll(tmp))
	}
	if err := os.Rename(filepath.Join(tmp, "root"), dir); err != nil {
		if _, statErr := os.Stat(dir); statErr != nil { // else another run was faster
			return "", errors.Join(err, os.RemoveAll(tmp))
		}
	}
	return dir, os.RemoveAll(tmp)
}

func unpack(ctx context.Context, tmp string, packages []string) error {
	debs, tree := filepath.Join(tmp, "debs"), filepath.Join(tmp, "root")
	for _, dir := range []string{debs, filepath.Join(tree, "tmp"), filepath.Join(tree, "etc")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	// apt drops its rights while downloading, and then may not write here.
	args := append([]string{"-q", "-o", "APT::Sandbox::User=root", "download"}, packages...)
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Dir = debs
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("download the packages: %w: %s", err, text)
	}
	files, err := filepath.Glob(filepath.Join(debs, "*.deb"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if _, err := output(ctx, "dpkg-deb", "-x", file, tree); err != nil {
			return err
		}
	}
	for _, unneeded := range []string{"usr/share/doc", "usr/share/man", "usr/share/lintian"} {
		if err := os.RemoveAll(filepath.Join(tree, unneeded)); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(tree, "etc", "passwd"), []byte("root:x:0:0:root:/:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\n"), 0o644); err != nil {
		return err
	}
	if err := os.Chmod(filepath.Join(tree, "tmp"), 0o777|os.ModeSticky); err != nil {
		return err
	}
	if !slices.Contains(packages, pythonPackages[0]) {
		return nil
	}
	return os.Symlink("python3.11", filepath.Join(tree, "usr", "bin", "python3"))
}
