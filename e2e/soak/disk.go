package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// disk is a small file system of its own, in memory. It lies in the cluster's
// directory, so the sweep of the next cluster unmounts it after a killed run.
type disk struct{ dir string }

func mount(dir string, mib int) (*disk, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mib)); err != nil {
		return nil, fmt.Errorf("mount a file system at %s: %w", dir, err)
	}
	return &disk{dir}, nil
}

func (d *disk) unmount() error { return syscall.Unmount(d.dir, syscall.MNT_DETACH) }

func (d *disk) filling() string { return filepath.Join(d.dir, "filling") }

// fill takes all the room that is left.
func (d *disk) fill() error {
	f, err := os.OpenFile(d.filling(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	page := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(page)
	}
	if errors.Is(err, syscall.ENOSPC) {
		err = nil
	}
	return errors.Join(err, f.Close())
}

// free gives the room back.
func (d *disk) free() error { return os.Remove(d.filling()) }
