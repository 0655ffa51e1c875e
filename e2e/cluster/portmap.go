package cluster

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// removePortMaps removes the address translations and the address leases of
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
	return errors.Join(append(errs, removeLeases(allocs))...)
}

// removeLeases removes the files by which addresses of the bridge are taken;
// each is named after an address and names its allocation inside.
func removeLeases(allocs []string) error {
	files, err := filepath.Glob("/var/run/cni/nomad/*.*.*.*")
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // given back meanwhile
		}
		id, _, _ := strings.Cut(string(text), "\r\n")
		if !slices.Contains(allocs, strings.TrimSpace(id)) {
			continue
		}
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
