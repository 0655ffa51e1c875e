package cluster

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// importImage gives the Docker daemon an image of directories, with nothing in a
// registry. changes are instructions of a Dockerfile: ENV, USER, ENTRYPOINT, CMD.
func (c *Cluster) importImage(ctx context.Context, name string, trees []Tree, changes ...string) error {
	args := []string{"--host", c.DockerHost, "import"}
	for _, change := range changes {
		args = append(args, "--change", change)
	}
	cmd := exec.CommandContext(ctx, "docker", append(args, "-", name)...)
	in, out := io.Pipe()
	cmd.Stdin = in
	packed := make(chan error, 1)
	go func() {
		w := tar.NewWriter(out)
		var err error
		for _, t := range trees {
			err = errors.Join(err, addTree(w, t))
		}
		err = errors.Join(err, w.Close())
		out.CloseWithError(err)
		packed <- err
	}()
	text, err := cmd.CombinedOutput()
	in.CloseWithError(err)
	if err = errors.Join(err, <-packed); err != nil {
		return fmt.Errorf("import the image %s: %w: %s", name, err, text)
	}
	return nil
}
