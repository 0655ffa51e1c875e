package cluster

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// removePortMaps removes the address translations and the addresses of
// allocations whose client was killed before it could. Left alone, a port of
// 127.0.0.1 would lead to an address that nobody has.
func removePortMaps(ctx context.Context, allocs []string) error {
	if len(allocs) == 0 {
		return nil
	}
	table, err := output(ctx, "iptables-save", "-t", "nat")
	if err != nil {
		return err
	}
	mine := func(line string) bool {
		return slices.ContainsFunc(allocs, func(id string) bool { return strings.Contains(line, id) })
	}
	var errs []error
	var chains []string
	for line := range strings.Lines(table) {
		rule, isRule := strings.CutPrefix(strings.TrimSpace(line), "-A ")
		if !isRule || !mine(rule) {
			continue
		}
		// xtables-save quotes comments the way a shell does.
		if _, err := output(ctx, "sh", "-c", "iptables -w -t nat -D "+rule); err != nil {
			errs = append(errs, err)
		}
		if _, target, ok := strings.Cut(rule, "-j CNI-"); ok {
			chains = append(chains, "CNI-"+strings.Fields(target)[0])
		}
	}
	slices.Sort(chains)
	for _, chain := range slices.Compact(chains) {
		for _, do := range []string{"-F", "-X"} {
			if _, err := output(ctx, "iptables", "-w", "-t", "nat", do, chain); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(append(errs, removeLeases(ctx, allocs))...)
}

// leases are the files by which addresses of the bridge are taken; each is
// named after an address and names its allocation inside.
func leases(allocs []string) (files []string, err error) {
	all, err := filepath.Glob("/var/run/cni/nomad/*.*.*.*")
	if err != nil {
		return nil, err
	}
	for _, file := range all {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // given back meanwhile
		}
		id, _, _ := strings.Cut(string(text), "\n")
		if slices.Contains(allocs, strings.TrimSpace(id)) {
			files = append(files, file)
		}
	}
	return files, nil
}

// removeLeases gives the addresses back, and takes back what the packet filter
// lets through for them.
func removeLeases(ctx context.Context, allocs []string) error {
	files, err := leases(allocs)
	if err != nil || len(files) == 0 {
		return err
	}
	table, err := output(ctx, "iptables-save", "-t", "filter")
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range files {
		address := " " + filepath.Base(file) + "/32 "
		for line := range strings.Lines(table) {
			rule, ok := strings.CutPrefix(strings.TrimSpace(line), "-A CNI-FORWARD")
			if !ok || !strings.Contains(rule, address) {
				continue
			}
			args := append([]string{"-w", "-D", "CNI-FORWARD"}, strings.Fields(rule)...)
			if _, err := output(ctx, "iptables", args...); err != nil {
				errs = append(errs, err)
			}
		}
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// removeAdminRule removes the one rule by which Nomad lets traffic into the
// slot's bridge; the chain itself is shared.
func (s *slot) removeAdminRule(ctx context.Context) error {
	rule := []string{"NOMAD-ADMIN", "-d", s.bridgeSubnet(), "-o", s.bridge(), "-j", "ACCEPT"}
	if _, err := output(ctx, "iptables", append([]string{"-w", "-C"}, rule...)...); err != nil {
		return nil // that is the answer no
	}
	_, err := output(ctx, "iptables", append([]string{"-w", "-D"}, rule...)...)
	return err
}
