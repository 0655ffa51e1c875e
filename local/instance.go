package local

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// instance is one child process. The Runtime's lock guards stopping.
type instance struct {
	alloc     string
	index     int
	addr      string
	placed    time.Time
	grace     time.Duration
	cmd       *exec.Cmd
	container *container // that the child is attached to; nil: the child is the program
	out       *output
	stopping  bool
	done      chan struct{} // closed when the child has ended
}

// exit is how a child ended.
type exit struct {
	how   string
	after time.Duration
}

// start runs one more instance of u. r.mu is held.
func (r *Runtime) start(u *unit, index int) (*instance, error) {
	v := &u.job.Version
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	in := &instance{
		alloc: newAlloc(), index: index, placed: time.Now(), grace: v.Run.StopGrace.Duration,
		addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		out:  newOutput(), done: make(chan struct{}),
	}
	cmd, err := r.command(u, in, port)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = in.out.writer("stdout"), in.out.writer("stderr")
	// Grandchildren may keep the pipes open; do not wait for them for ever.
	cmd.WaitDelay = time.Second
	in.cmd = cmd

	record := filepath.Join(r.run, in.alloc)
	if err := os.WriteFile(record, nil, 0o644); err != nil {
		return nil, err
	}
	if err := r.spawn.start(cmd); err != nil {
		return nil, errors.Join(err, os.Remove(record))
	}
	r.log.Info("started", "service", v.ID, "alloc", in.alloc, "addr", in.addr)
	r.stopped.Add(1)
	go func() {
		defer r.stopped.Done()
		err := cmd.Wait()
		endGroup(cmd.Process.Pid, syscall.SIGKILL)
		how := describe(cmd, err)
		if in.container != nil {
			if how, err = in.container.ended(how); err != nil {
				r.log.Warn("left a container behind", "alloc", in.alloc, "error", err)
			}
		}
		in.out.close()
		close(in.done)
		if err := os.Remove(record); err != nil {
			r.log.Warn("left the record of a child behind", "alloc", in.alloc, "error", err)
		}
		r.ended(u, in, exit{how: how, after: time.Since(in.placed)})
	}()
	return in, nil
}

// command is the child to start.
func (r *Runtime) command(u *unit, in *instance, port int) (*exec.Cmd, error) {
	v := &u.job.Version
	if v.Run.Image != "" {
		return r.container(v, in, port)
	}
	cmd := exec.Command(program(u.job.Dir, v.Run.Command), v.Run.Args...) //nolint:noctx // a child outlives the request that started it; stop ends it
	cmd.Dir = u.job.Dir
	cmd.Env = environment(v, in, port)
	return cmd, nil
}

// stop asks the child to end and kills it after its grace. It does not wait.
// The Runtime's lock is held.
func (in *instance) stop() {
	if in.stopping {
		return
	}
	in.stopping = true
	endGroup(in.cmd.Process.Pid, syscall.SIGTERM)
	go func() {
		select {
		case <-in.done:
		case <-time.After(in.grace):
			if in.container != nil {
				// That ends its docker program too. Where it fails, that program's end says so.
				_ = in.container.remove()
			}
			endGroup(in.cmd.Process.Pid, syscall.SIGKILL)
		}
	}()
}

// program finds the manifest's command: a path is meant from the module's own
// folder, a bare name from $PATH.
func program(dir, command string) string {
	if filepath.Base(command) == command {
		return command
	}
	if filepath.IsAbs(command) {
		return command
	}
	return filepath.Join(dir, command)
}

// environment is the developer's own, plus what every instance is told.
func environment(v *service.Version, in *instance, port int) []string {
	env := os.Environ()
	for name, value := range v.Run.Env {
		env = append(env, name+"="+value)
	}
	if v.Given != nil {
		for name, value := range v.Given.Env {
			env = append(env, name+"="+value)
		}
	}
	env = append(env, "HOST=127.0.0.1")
	for name, value := range told(v, in, port) {
		env = append(env, name+"="+value)
	}
	return env
}

// told is what an instance finds in its environment wherever it runs.
func told(v *service.Version, in *instance, port int) map[string]string {
	return map[string]string{"PORT": strconv.Itoa(port), "DYNSVC_MODULE": v.Module, "DYNSVC_VERSION": v.Version,
		"DYNSVC_SERVICE": string(v.ID), allocVariable: in.alloc}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

func describe(cmd *exec.Cmd, err error) string {
	state := cmd.ProcessState
	switch {
	case state == nil && err != nil:
		return err.Error()
	case state.Success():
		return "exit code 0; a service has to keep running"
	case state.Exited():
		return fmt.Sprintf("exit code %d", state.ExitCode())
	default:
		return state.String()
	}
}
