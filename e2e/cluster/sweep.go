package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sweep removes all that a cluster of this slot has made and not removed. The
// caller holds the slot's lock, so nobody uses any of it. It runs before a
// start, for a harness that was killed, and at the end of every Stop.
//
// Order matters: a process holds mounts and namespaces, a mount hides files.
func (s *slot) sweep(ctx context.Context) error {
	allocs, err := s.allocs()
	if err != nil {
		return err
	}
	return errors.Join(
		s.killLeftovers(ctx),
		s.unmount(),
		removeNamespaces(allocs),
		removePortMaps(ctx, allocs),
		s.removeAdminRule(ctx),
		s.removeBridges(ctx),
		s.removeCgroups(),
		s.removeData(),
	)
}

// allocs are the ids of the allocations that the slot's clients have seen; the
// names of network namespaces and port mappings are made of them.
func (s *slot) allocs() (ids []string, err error) {
	for _, class := range Classes {
		entries, err := os.ReadDir(filepath.Join(s.dir(), class, "alloc"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("list the allocations of %s: %w", class, err)
		}
		for _, e := range entries {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

// killLeftovers ends processes by two facts that only ours have: the slot's
// marker in the environment they were started with (servers, executors, shims)
// or a cgroup of the slot (tasks and containers, whose environment is their own).
func (s *slot) killLeftovers(ctx context.Context) error {
	return WaitFor(ctx, "leftover processes to end", 20*time.Second, func(context.Context) error {
		var left []string
		for _, pid := range s.leftovers() {
			left = append(left, strconv.Itoa(pid))
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("kill %d: %w", pid, err)
			}
		}
		if len(left) > 0 {
			return fmt.Errorf("still there: %s", strings.Join(left, " "))
		}
		return nil
	})
}

func (s *slot) leftovers() (pids []int) {
	entries, _ := os.ReadDir("/proc") // without /proc there is nothing to find
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		// A process that ended meanwhile has neither file, and a zombie has no text.
		env, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		group, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cgroup"))
		marked := slices.ContainsFunc(bytes.Split(env, []byte{0}), func(v []byte) bool { return string(v) == s.marker() })
		if marked || (bytes.Contains(group, []byte("/"+s.cgroup())) && !zombie(pid)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	// The state is the word after the name, which stands in brackets and may hold any.
	_, rest, _ := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')'):]), " ")
	return strings.HasPrefix(rest, "Z")
}

// unmount undoes what is mounted below the slot's directory, the innermost first.
func (s *slot) unmount() error {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("read the mounts: %w", err)
	}
	var points []string
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); len(f) > 4 && strings.HasPrefix(f[4], s.dir()+"/") {
			points = append(points, f[4])
		}
	}
	for _, point := range slices.Backward(points) {
		if err := syscall.Unmount(point, syscall.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) {
			return fmt.Errorf("unmount %s: %w", point, err)
		}
	}
	return nil
}

// removeNamespaces removes network namespaces, which are mounted files named
// after their allocation.
func removeNamespaces(allocs []string) error {
	for _, id := range allocs {
		file := filepath.Join("/var/run/netns", id)
		if _, err := os.Lstat(file); err != nil {
			continue
		}
		if err := syscall.Unmount(file, syscall.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) {
			return fmt.Errorf("unmount network namespace %s: %w", id, err)
		}
		if err := os.Remove(file); err != nil {
			return fmt.Errorf("remove network namespace: %w", err)
		}
	}
	return nil
}

// removeCgroups removes the slot's cgroups in every hierarchy, the innermost
// first. They are empty by now; the files in them are the kernel's.
func (s *slot) removeCgroups() error {
	var dirs []string
	for _, pattern := range []string{"/sys/fs/cgroup/*/", "/sys/fs/cgroup/"} {
		tops, err := filepath.Glob(pattern + s.cgroup() + "*")
		if err != nil {
			return err
		}
		for _, top := range tops {
			err := filepath.WalkDir(top, func(path string, d os.DirEntry, err error) error {
				if err == nil && d.IsDir() {
					dirs = append(dirs, path)
				}
				return err
			})
			if err != nil {
				return fmt.Errorf("list cgroups: %w", err)
			}
		}
	}
	for _, dir := range slices.Backward(dirs) {
		if err := syscall.Rmdir(dir); err != nil && !errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("remove cgroup %s: %w", dir, err)
		}
	}
	return nil
}

// removeData empties the slot's directory; logs are left for the reader.
func (s *slot) removeData() error {
	entries, err := os.ReadDir(s.dir())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list the slot's data: %w", err)
	}
	for _, e := range entries {
		if e.Name() == "run" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(s.dir(), e.Name())); err != nil {
			return fmt.Errorf("remove the slot's data: %w", err)
		}
	}
	return nil
}
