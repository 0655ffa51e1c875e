package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// shellPackages are a shell and the few programs that a Dockerfile's RUN is made of.
var shellPackages = []string{"dash", "coreutils", "libc6", "libselinux1", "libpcre2-8-0", "libacl1", "libattr1", "libgmp10", "libssl3"}

// certificates is where programs look for those whom they trust.
const certificates = "/etc/ssl/certs/ca-certificates.crt"

// GoImage gives the Docker daemon an image under the name of Go's own, made of this
// machine's Go: what compiles programs without C, the sources of the standard library,
// and, so that it is not compiled again in every run, what compiling warm gives,
// a package of this repository.
func (c *Cluster) GoImage(ctx context.Context, name, warm string) error {
	shell, err := c.debianRoot(ctx, shellPackages)
	if err != nil {
		return fmt.Errorf("prepare a shell: %w", err)
	}
	where, err := output(ctx, "go", "env", "GOROOT")
	if err != nil {
		return err
	}
	root := strings.TrimSpace(where)
	cache := filepath.Join(c.cacheDir, "go-build-"+runtime.Version())
	build := exec.CommandContext(ctx, "go", "build", warm)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath", "GOCACHE="+cache)
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("compile the standard library: %w: %s", err, text)
	}
	trees := []Tree{{Dir: shell}, {Dir: filepath.Dir(certificates), At: filepath.Dir(certificates), Only: filepath.Base(certificates)},
		{Dir: filepath.Join(root, "VERSION"), At: root + "/VERSION"}, {Dir: filepath.Join(root, "go.env"), At: root + "/go.env"}, {Dir: cache, At: "/root/.cache/go-build"}}
	for _, part := range []string{"bin", "pkg", "src"} {
		trees = append(trees, Tree{Dir: filepath.Join(root, part), At: root + "/" + part, Skip: unneededOfGo})
	}
	return c.importImage(ctx, name, trees, "ENV PATH="+root+"/bin:/usr/bin:/bin", "ENV HOME=/root", "CMD [\"/bin/sh\"]")
}

// unneededOfGo is what no program without C is compiled with.
func unneededOfGo(rel string) bool {
	return rel == "cmd" || filepath.Base(rel) == "testdata" || strings.HasSuffix(rel, "_test.go") ||
		filepath.Dir(rel) == filepath.Join("tool", runtime.GOOS+"_"+runtime.GOARCH) && !strings.Contains(" asm compile link ", " "+filepath.Base(rel)+" ")
}
