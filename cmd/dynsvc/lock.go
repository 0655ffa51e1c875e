package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dynsvc/dynsvc/service"
)

// lockFolder makes the folder and keeps other agents out of it until released,
// also when this program is killed.
func lockFolder(data string) (release func(), err error) {
	if err := os.MkdirAll(data, 0o755); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(data, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		return nil, service.Errorf(service.ErrConflict, "another dynsvc uses %s: stop it, or choose another folder", data)
	}
	return func() { _ = f.Close() }, nil // closing releases the lock; nothing was written
}
