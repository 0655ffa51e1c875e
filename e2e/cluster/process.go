package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// process is one child. Its command line is kept so that it can be started
// again after a test has killed it; the log file is appended to.
type process struct {
	name string
	argv []string
	env  []string
	log  string

	cmd  *exec.Cmd
	done chan struct{} // closed when cmd has been waited for
	err  error         // how it ended; read after done
}

// spawner starts all children from one locked thread that lives as long as the
// cluster. Pdeathsig is sent when the parent *thread* ends, and Go ends threads
// as it likes: a child started from any goroutine may be killed at any time.
type spawner struct{ work chan func() }

func newSpawner() *spawner {
	s := &spawner{work: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for f := range s.work {
			f()
		}
	}()
	return s
}

func (s *spawner) close() { close(s.work) }

func (s *spawner) start(p *process) error {
	logFile, err := os.OpenFile(p.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", p.name, err)
	}
	cmd := exec.Command(p.argv[0], p.argv[1:]...) //nolint:noctx // it outlives any one context; Stop ends it
	cmd.Env = p.env
	cmd.Dir = filepath.Dir(p.log)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}

	started := make(chan error)
	s.work <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", p.name, err), logFile.Close())
	}
	p.cmd, p.done = cmd, make(chan struct{})
	go func() {
		p.err = errors.Join(cmd.Wait(), logFile.Close())
		close(p.done)
	}()
	return nil
}

func (p *process) running() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// exited is what a waiter reports when the process it waits for is gone.
func (p *process) exited() error {
	if p.running() {
		return nil
	}
	return fmt.Errorf("%s has exited: %w", p.name, errors.Join(p.err, errors.New("see its log "+p.log)))
}

func (p *process) signal(sig syscall.Signal) error {
	if !p.running() {
		return fmt.Errorf("signal %s: it is not running", p.name)
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}
	return nil
}

// stop asks, and after grace insists. A paused process is woken to hear it.
func (p *process) stop(grace time.Duration) error {
	if !p.running() {
		return nil
	}
	if err := errors.Join(p.signal(syscall.SIGTERM), p.signal(syscall.SIGCONT)); err != nil && p.running() {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(grace):
	}
	err := p.signal(syscall.SIGKILL)
	<-p.done
	return err
}

// output runs a short command and returns what it printed; on failure its
// stderr is in the error.
func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), fmt.Errorf("%s %v: %w: %s", name, args, err, exit.Stderr)
	}
	if err != nil {
		return "", fmt.Errorf("%s %v: %w", name, args, err)
	}
	return string(out), nil
}
