package workshop

import (
	"context"
	"io"
	"os/exec"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// Build runs the build command of a module in its folder, if its manifest has one.
func Build(ctx context.Context, dir string, command []string, out io.Writer) error {
	if len(command) == 0 {
		return nil
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return service.Errorf(service.ErrInvalid, "build the module with %q: %w", strings.Join(command, " "), err)
	}
	return nil
}
