package local

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// Docker is the daemon that Docker's own program on this machine talks to, by its
// environment and contexts.
type Docker struct {
	program string
	gateway string // address of the daemon's bridge; empty: it has none
}

// dockerTimeout is how long the daemon may take for what is no work.
const dockerTimeout = 20 * time.Second

// FindDocker returns Docker, if a daemon answers. The error says why none does, for a
// person to read.
func FindDocker(ctx context.Context) (*Docker, error) {
	program, err := exec.LookPath("docker")
	if err != nil {
		return nil, service.Errorf(service.ErrUnavailable, "the program docker is not installed")
	}
	d := &Docker{program: program}
	if _, err := d.ask(ctx, "version", "--format", "{{.Server.Version}}"); err != nil {
		return nil, service.Errorf(service.ErrUnavailable, "%w", err)
	}
	// Without a bridge, as with another machine's daemon, there is no address to be reached by.
	if address, err := d.ask(ctx, "network", "inspect", "bridge", "--format", "{{range .IPAM.Config}}{{.Gateway}} {{end}}"); err == nil {
		for a := range strings.FieldsSeq(address) {
			if ip := net.ParseIP(a); ip != nil && ip.To4() != nil {
				d.gateway = a
			}
		}
	}
	return d, nil
}

// ask runs docker and returns what it prints.
func (d *Docker) ask(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, dockerTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, d.program, args...).Output()
	if ctx.Err() != nil {
		return "", fmt.Errorf("docker %s did not answer in %s", args[0], dockerTimeout)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", fmt.Errorf("docker %s: %s", args[0], cmp.Or(lastLine(exit.Stderr), err.Error()))
	}
	return strings.TrimSpace(string(out)), err
}

func lastLine(said []byte) string {
	said = bytes.TrimSpace(said)
	return string(said[bytes.LastIndexByte(said, '\n')+1:])
}

// Has reports whether the daemon has an image.
func (d *Docker) Has(ctx context.Context, image string) bool {
	_, err := d.ask(ctx, "image", "inspect", "--format", "{{.Id}}", image)
	return err == nil
}

// Pull has the daemon fetch an image.
func (d *Docker) Pull(ctx context.Context, image string) error {
	var said bytes.Buffer
	if err := d.work(ctx, &said, "", "pull", "--quiet", image); err != nil {
		return service.Errorf(service.ErrUnavailable, "the image %s cannot be had: %s", image, cmp.Or(lastLine(said.Bytes()), err.Error()))
	}
	return nil
}

// Build builds an image of a folder by a Dockerfile in it. What does not end well is a
// [service.BatchError].
func (d *Docker) Build(ctx context.Context, dir, dockerfile, image string, out io.Writer) error {
	began := time.Now()
	err := d.work(ctx, out, dir, "build", "--force-rm", "-f", dockerfile, "-t", image, ".")
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && ctx.Err() == nil {
		return &service.BatchError{Task: "build", Exit: exit.ExitCode(),
			Text: fmt.Sprintf("exited with code %d after %s", exit.ExitCode(), time.Since(began).Round(100*time.Millisecond))}
	}
	return err
}

// work runs what takes long, and all that it starts ends with ctx.
func (d *Docker) work(ctx context.Context, out io.Writer, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, d.program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.Env = append(os.Environ(), "BUILDKIT_PROGRESS=plain")
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { endGroup(cmd.Process.Pid, syscall.SIGTERM); return nil }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("docker %s: %w", args[0], err)
	}
	return nil
}

// insideHost is this machine's name for containers.
const insideHost = "host.docker.internal"

// Listen opens a second address for containers, which cannot reach this machine's
// loopback interface: the same port on the daemon's bridge. Where the daemon has none
// here, its own program hands what is for this machine on to loopback, and there is
// nothing to open: ok is false.
func (d *Docker) Listen(ctx context.Context, port string) (l net.Listener, ok bool, err error) {
	if d.gateway == "" {
		return nil, false, nil
	}
	l, err = new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(d.gateway, port))
	if errors.Is(err, syscall.EADDRNOTAVAIL) { // the bridge is another machine's
		return nil, false, nil
	}
	return l, err == nil, err
}

// ownerLabel marks the containers of a Runtime with its folder.
const ownerLabel = "dynsvc.local"

// endLeftovers removes the containers that a killed run in the same folder has left.
func (d *Docker) endLeftovers(ctx context.Context, owner string) (ended int, err error) {
	text, err := d.ask(ctx, "ps", "--all", "--quiet", "--filter", "label="+ownerLabel+"="+owner)
	left := strings.Fields(text)
	if err != nil || len(left) == 0 {
		return 0, err
	}
	_, err = d.ask(ctx, append([]string{"rm", "--force", "--volumes"}, left...)...)
	return len(left), err
}
