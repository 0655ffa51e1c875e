package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	consul "github.com/hashicorp/consul/api"

	"github.com/dynsvc/dynsvc/service"
)

// The peers before a sidecar have the gateway's certificate and look at nobody
// else's, which the gateway does.
var meshConfigs = map[string]string{
	"haproxy": strings.Replace(peerConfigs["haproxy"], "server backend BACKEND", "server backend BACKEND ssl crt DIR/leaf.pem verify none", 1),
	"nginx": strings.Replace(peerConfigs["nginx"], "proxy_pass http://backend;",
		"proxy_pass https://backend;\n      proxy_ssl_certificate DIR/leaf.pem;\n      proxy_ssl_certificate_key DIR/leaf.pem;", 1),
}

// meshWarm is a call to a running service through Connect, dynsvc's and the peers'
// through the very same sidecar, which is Consul's own.
func (b *bench) meshWarm(ctx context.Context) error {
	a, id, err := b.meshAgent(ctx, "meshwarm")
	if err != nil {
		return err
	}
	defer a.stop()
	targets := map[string]*target{"dynsvc": {a.url + "/svc/meshwarm", a.process}}
	if _, _, err := firstByte(ctx, targets["dynsvc"].url); err != nil {
		return fmt.Errorf("%w; log of the agent: %s", err, a.log)
	}
	var detail struct{ State service.State }
	if err := a.api(ctx, http.MethodGet, "/api/v1/services/"+string(id), nil, &detail); err != nil {
		return err
	}
	if len(detail.State.Endpoints) != 1 {
		return fmt.Errorf("%d endpoints, want 1", len(detail.State.Endpoints))
	}
	leaf, _, err := b.servers.Consul.Agent().ConnectCALeaf("dynsvc-gateway", (&consul.QueryOptions{}).WithContext(ctx))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.dir, "leaf.pem"), []byte(leaf.CertPEM+leaf.PrivateKeyPEM), 0o600); err != nil {
		return err
	}
	names := []string{"dynsvc", "haproxy", "nginx"}
	for _, name := range names[1:] {
		p, addr, err := b.peerAs(ctx, name, meshConfigs[name], detail.State.Endpoints[0].Addr)
		if err != nil {
			return err
		}
		defer p.stop()
		targets[name] = &target{"http://" + addr + "/", p}
	}
	lua, err := b.warmUp(ctx, names, targets)
	if err != nil {
		return errors.Join(err, fmt.Errorf("log of the agent: %s", a.log))
	}
	for _, connections := range []int{1, 32} {
		results, err := b.turns(ctx, lua, names, targets, connections)
		if err != nil {
			return err
		}
		ours := results["dynsvc"]
		for _, name := range names[1:] {
			m := results[name]
			b.table.add(row{what: fmt.Sprintf("warm through Connect, %d connections", connections),
				measured: fmt.Sprintf("%s, p50 %.1f ms, %d µs of the processor a call", calls(median(ours.rate)), median(ours.p50).Seconds()*1000, median(ours.cpu).Microseconds()),
				against:  fmt.Sprintf("%s %s, p50 %.1f ms, %d µs", name, calls(median(m.rate)), median(m.p50).Seconds()*1000, median(m.cpu).Microseconds()),
				ratio:    fmt.Sprintf("%.2f", median(ratios(ours.rate, m.rate))), command: "scripts/bench meshwarm"}, true)
		}
	}
	return nil
}
