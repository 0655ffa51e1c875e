package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

const (
	// root is short because unix sockets lie deep below it, and their whole path
	// has to fit into 107 bytes.
	root  = "/var/lib/dynsvc-e2e"
	slots = 4
)

// slot is one of the places on this machine where a cluster may run. It owns
// everything that two clusters could fight over: addresses, port ranges, the
// names of bridges and cgroups, a directory. It is held by a lock on a file
// that the kernel drops when the harness dies, however it dies.
type slot struct {
	n    int
	lock *os.File
}

// takeSlot takes the first slot that nobody holds.
func takeSlot() (*slot, error) {
	for n := range slots {
		s, err := takeSlotN(n)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("all %d slots under %s are taken by running clusters", slots, root)
}

func takeSlotN(n int) (*slot, error) {
	if err := os.MkdirAll(root, 0o711); err != nil {
		return nil, fmt.Errorf("make the clusters' directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(root, strconv.Itoa(n)+".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of slot %d: %w", n, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock slot %d: %w", n, err), f.Close())
	}
	return &slot{n: n, lock: f}, nil
}

func (s *slot) release() error { return s.lock.Close() }

// dir holds data that dies with the cluster; logs are elsewhere.
func (s *slot) dir() string { return filepath.Join(root, strconv.Itoa(s.n)) }

// marker is set in the environment of every process of the slot, and so of
// their children: it is how leftovers of a killed run are told from all else.
func (s *slot) marker() string { return "DYNSVC_E2E_SLOT=" + s.dir() }

// ip is a loopback address: 1 for the servers, 11, 12, 13 for the clients.
func (s *slot) ip(host int) string { return fmt.Sprintf("127.%d.0.%d", 64+s.n, host) }

// bridge is where allocations with a network of their own are plugged in.
func (s *slot) bridge() string       { return fmt.Sprintf("dynsvc%d", s.n) }
func (s *slot) bridgeIP() string     { return fmt.Sprintf("172.26.%d.1", 64+16*s.n) }
func (s *slot) bridgeSubnet() string { return fmt.Sprintf("172.26.%d.0/20", 64+16*s.n) }

// dockerBridge is for containers without such a network.
func (s *slot) dockerBridge() string   { return fmt.Sprintf("dynsvc%dd", s.n) }
func (s *slot) dockerBridgeIP() string { return fmt.Sprintf("172.27.%d.1", 64+16*s.n) }

// ports is the range of client i. All clients map ports of 127.0.0.1, so the
// ranges must not overlap; they stay below the kernel's ephemeral range.
func (s *slot) ports(i int) (low, high int) {
	low = 20000 + 3000*s.n + 1000*i
	return low, low + 999
}

// cgroup begins the names of the cgroups that tasks and containers run in. They
// stand side by side: Nomad cannot make one inside another.
func (s *slot) cgroup() string { return fmt.Sprintf("dynsvc-e2e-%d-", s.n) }

// Clean clears the slots that nobody holds of what killed runs have left.
func Clean(ctx context.Context) error {
	var errs []error
	for n := range slots {
		s, err := takeSlotN(n)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			continue
		}
		if err != nil {
			return err
		}
		errs = append(errs, s.sweep(ctx), s.release())
	}
	return errors.Join(errs...)
}
