//go:build unix

package repos

import (
	"os/exec"
	"syscall"
)

// whole makes the end of a command that of its children too: git has one for each
// connection, which would go on without it.
func whole(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
