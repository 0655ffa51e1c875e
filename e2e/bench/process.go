package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dynsvc/dynsvc/e2e/cluster"
)

// process is a child that serves until it is stopped.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	log  string
}

// start runs a program whose output goes to a file of its own. It must be called
// on the first thread, see main.
func (b *bench) start(name string, env []string, argv ...string) (*process, error) {
	out, err := os.OpenFile(filepath.Join(b.dir, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()                         //nolint:errcheck // the child has its own
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // stop ends it
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{cmd: cmd, done: make(chan struct{}), log: out.Name()}
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(p.done)
	}()
	return p, nil
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill() // it may be gone
		<-p.done
	}
}

// answers waits until a GET of url has an answer below 500.
func (p *process) answers(ctx context.Context, url string) error {
	return cluster.WaitFor(ctx, "an answer of "+url+" (log: "+p.log+")", 20*time.Second, func(ctx context.Context) error {
		select {
		case <-p.done:
			text, _ := os.ReadFile(p.log) // only for the message
			return fmt.Errorf("the process has ended: %s", text)
		default:
		}
		return get(ctx, url)
	})
}

func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusInternalServerError {
		err = errors.New(res.Status)
	}
	return errors.Join(err, res.Body.Close())
}

// freeAddr is an address on loopback that nobody listens on now.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// used is the processor time that a process and its workers have had. It says
// what a call costs also where something else keeps the processors busy.
func (p *process) used() time.Duration {
	const tick = 10 * time.Millisecond             // USER_HZ, which is 100 on every Linux
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // fails for a bad pattern only
	var sum time.Duration
	for _, name := range stats {
		text, _ := os.ReadFile(name) // gone: empty
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 13 || fields[2] != strconv.Itoa(p.cmd.Process.Pid) { // the group
			continue
		}
		for _, field := range fields[11:13] { // user and system
			n, _ := strconv.ParseInt(field, 10, 64) // the kernel writes numbers
			sum += time.Duration(n) * tick
		}
	}
	return sum
}
