package main

import (
	"context"
	"fmt"
	"strings"
)

// relay measures what a warm call costs that comes to an agent which does not lead,
// beside the same call to the leader, and to peers that pass it on to the very same one.
func (b *bench) relay(ctx context.Context) error {
	const lock, drivers, path = "  lock = \"dynsvc/bench-relay\"\n", "  drivers = [\"raw_exec\"]", "/svc/relay"
	leader, err := b.startAgentAt(ctx, "relay-leader", "http://", lock, drivers)
	if err != nil {
		return err
	}
	defer leader.stop()
	front, err := b.startAgentAt(ctx, "relay-front", "http://", lock, drivers, "role = \"gateway\"")
	if err != nil {
		return err
	}
	defer front.stop()
	if _, err := b.coldService(ctx, leader, "relay", `command = "./answer"`); err != nil {
		return err
	}
	if _, _, err := firstByte(ctx, leader.url+path); err != nil {
		return fmt.Errorf("%w; log of the agent: %s", err, leader.log)
	}
	targets, stop, err := b.peersBefore(ctx, strings.TrimPrefix(leader.url, "http://"), path, peerConfigs)
	if err != nil {
		return err
	}
	defer stop()
	targets["leader"] = &target{leader.url + path, leader.process}
	targets["relay"] = &target{front.url + path, front.process}
	return b.besidePeers(ctx, "relay", "leader", targets)
}

// besidePeers measures the target of that name, and one that it is to be held against,
// and the peers.
func (b *bench) besidePeers(ctx context.Context, ours, other string, targets map[string]*target) error {
	names := append([]string{ours, other}, fronts...)
	lua, err := b.warmUp(ctx, names, targets)
	if err != nil {
		return err
	}
	for _, connections := range []int{1, 32} {
		results, err := b.turns(ctx, lua, names, targets, connections)
		if err != nil {
			return err
		}
		us := results[ours]
		for _, name := range names[1:] {
			m := results[name]
			b.table.add(row{what: fmt.Sprintf("warm, %s, %d connections", ours, connections),
				measured: fmt.Sprintf("%s, p50 %.2f ms, %d µs of the processor a call", calls(median(us.rate)), median(us.p50).Seconds()*1000, median(us.cpu).Microseconds()),
				against:  fmt.Sprintf("%s %s, p50 %.2f ms, %d µs", name, calls(median(m.rate)), median(m.p50).Seconds()*1000, median(m.cpu).Microseconds()),
				ratio:    fmt.Sprintf("%.2f; %.2f of the processor", median(ratios(us.rate, m.rate)), median(ratios(us.cpu, m.cpu))), command: "scripts/bench " + ours}, true)
		}
	}
	return nil
}

var fronts = []string{"caddy", "haproxy", "nginx"}

// peersBefore starts peers that pass on to a backend, and loads them at a path.
func (b *bench) peersBefore(ctx context.Context, backend, path string, configs map[string]string) (targets map[string]*target, stop func(), err error) {
	var running []*process
	stop = func() {
		for _, p := range running {
			p.stop()
		}
	}
	targets = map[string]*target{}
	for _, name := range fronts {
		p, addr, err := b.peerAs(ctx, name, configs[name], backend)
		if err != nil {
			stop()
			return nil, nil, err
		}
		running = append(running, p)
		targets[name] = &target{scheme(configs[name]) + addr + path, p}
	}
	return targets, stop, nil
}
