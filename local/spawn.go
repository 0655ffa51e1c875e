package local

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os/exec"
	"runtime"
	"syscall"
)

// allocVariable marks a child and all that it starts with its instance's id.
const allocVariable = "DYNSVC_ALLOC"

func newAlloc() string {
	b := make([]byte, 8)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// spawner starts every child from one operating system thread that lives as long
// as the Runtime: Linux ends a child marked with Pdeathsig when the thread that
// started it ends, not when the process does.
type spawner struct {
	starts chan spawn
}

type spawn struct {
	cmd  *exec.Cmd
	done chan error
}

func newSpawner() *spawner {
	s := &spawner{starts: make(chan spawn)}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for sp := range s.starts {
			sp.done <- sp.cmd.Start()
		}
	}()
	return s
}

// start runs cmd as the leader of its own process group.
func (s *spawner) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = ownGroup()
	sp := spawn{cmd: cmd, done: make(chan error, 1)}
	s.starts <- sp
	return <-sp.done
}

func (s *spawner) close() { close(s.starts) }

// endGroup signals a child and what it started in turn. Without a group left
// there is nothing to signal.
func endGroup(leader int, sig syscall.Signal) {
	if err := syscall.Kill(-leader, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		// Not permitted: a grandchild changed its user. The leader is still ours.
		_ = syscall.Kill(leader, sig) // best effort: it may be gone
	}
}
