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

// nodePackages are what Node, which has its libraries inside, loads.
var nodePackages = []string{"libc6", "libstdc++6", "libgcc-s1"}

// NodeImages gives the Docker daemon this machine's Node under the names of two images:
// one to build in, with a shell and npm, and one that has neither.
func (c *Cluster) NodeImages(ctx context.Context, builder, runner string) error {
	node, nodeErr := exec.LookPath("node")
	npm, npmErr := exec.LookPath("npm")
	if err := errors.Join(nodeErr, npmErr); err != nil {
		return err
	}
	for _, program := range []*string{&node, &npm} {
		var err error
		if *program, err = filepath.EvalSymlinks(*program); err != nil {
			return err
		}
	}
	libraries, err := c.debianRoot(ctx, nodePackages)
	if err != nil {
		return fmt.Errorf("prepare Node's libraries: %w", err)
	}
	shell, err := c.debianRoot(ctx, append(slices.Clone(shellPackages), nodePackages[1:]...))
	if err != nil {
		return fmt.Errorf("prepare a shell: %w", err)
	}
	links, err := os.MkdirTemp("", "links")
	if err != nil {
		return err
	}
	defer os.RemoveAll(links)                  //nolint:errcheck // a temporary folder
	modules := filepath.Dir(filepath.Dir(npm)) // npm/bin/npm-cli.js
	if err := os.Symlink("/usr/local/lib/node_modules/npm/bin/npm-cli.js", filepath.Join(links, "npm")); err != nil {
		return err
	}
	program := Tree{Dir: node, At: "/usr/local/bin/node"}
	build := []Tree{{Dir: shell}, program, {Dir: links, At: "/usr/local/bin"}, {Dir: modules, At: "/usr/local/lib/node_modules/npm"}}
	// npm says what runs it as "env node".
	if err := c.importImage(ctx, builder, build, "ENV PATH=/usr/local/bin:/usr/bin:/bin", "ENV HOME=/root", "CMD [\"node\"]"); err != nil {
		return err
	}
	program.At = "/nodejs/bin/node"
	return c.importImage(ctx, runner, []Tree{{Dir: libraries}, program}, "ENTRYPOINT [\"/nodejs/bin/node\"]", "USER 65532", "ENV PATH=/usr/bin:/bin")
}
