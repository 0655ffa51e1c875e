//go:build unix

package upstream

import "syscall"

// peek reports whether an idle socket has something to say: bytes, an end or an
// error.
func peek(fd uintptr) bool {
	var one [1]byte
	_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
	return err != syscall.EAGAIN && err != syscall.EINTR
}
