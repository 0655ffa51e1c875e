package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// slice is how long a peer is measured in one turn.
const slice = 2 * time.Second

// The backend is nginx with an answer of 512 bytes: the cheapest there is, so
// that what is measured is what stands before it. dynsvc starts it as the module
// Bench; all peers are pointed at that very process.
var backendFiles = map[string]string{
	"module.hcl": `module "Bench" {
  version = "1.0.0"
  run {
    command = "sh"
    args    = ["serve.sh"]
    port    = 5000
  }
  scale {
    max             = 1
    concurrency     = 100
    max_concurrency = 1000
    idle_after      = "2h"
  }
  method "echo" {
    mode    = "both"
    timeout = "60s"
  }
}
`,
	"serve.sh": `sed "s#PORT#$PORT#; s#DIR#$PWD#" nginx.conf.in > nginx.conf
exec nginx -e stderr -p "$PWD" -c "$PWD/nginx.conf"
`,
	"nginx.conf.in": `daemon off;
pid DIR/nginx.pid;
error_log stderr error;
worker_processes 1;
events {
  worker_connections 4096;
}
http {
  access_log off;
  client_body_temp_path DIR/body;
  proxy_temp_path DIR/proxy;
  fastcgi_temp_path DIR/fastcgi;
  uwsgi_temp_path DIR/uwsgi;
  scgi_temp_path DIR/scgi;
  keepalive_requests 100000000;
  server {
    listen 127.0.0.1:PORT;
    default_type application/json;
    return 200 '{"version":"1.1","id":"1","result":["` + strings.Repeat("x", 472) + `"]}';
  }
}
`,
}

const call = `{"version":"1.1","id":"1","method":"Bench.echo","params":[{"text":"a small call, as most are: a name, a number, a flag"}]}`

// script has wrk send the call and print what it counted on one line.
const script = `wrk.method = "POST"
wrk.body = '` + call + `'
wrk.headers["Content-Type"] = "application/json"
done = function(s, l, r)
  local e = s.errors
  io.write(string.format("RESULT %d %d %d %d %d\n", s.requests, s.duration, l:percentile(50), l:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
`

// measured is one peer under one load, a value for each turn.
type measured struct {
	rate     []float64       // calls a second
	p50, p99 []time.Duration // of a call
	cpu      []time.Duration // that the peer had for a call
}

// target is a peer that runs. The backend is somebody's child and has no process
// of ours.
type target struct {
	url string
	*process
}

var order = []string{"backend", "dynsvc", "caddy", "haproxy", "nginx", "bare"}

func (b *bench) warm(ctx context.Context) error {
	targets, stop, err := b.warmTargets(ctx)
	if err != nil {
		return err
	}
	defer stop()
	lua, err := b.warmUp(ctx, order, targets)
	if err != nil {
		return err
	}
	for _, connections := range []int{1, 32, 64} {
		results, err := b.turns(ctx, lua, order, targets, connections)
		if err != nil {
			return err
		}
		b.warmRows(connections, results)
	}
	return nil
}

// warmUp lets connections, code and heaps get warm, and returns what wrk is told.
func (b *bench) warmUp(ctx context.Context, names []string, targets map[string]*target) (lua string, err error) {
	lua = filepath.Join(b.dir, "call.lua")
	if err := os.WriteFile(lua, []byte(script), 0o644); err != nil {
		return "", err
	}
	for _, name := range names {
		if _, _, _, err := wrk(ctx, lua, targets[name].url, 32, time.Second); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
	}
	return lua, nil
}

// turns measures all that are named under one load, in turns.
func (b *bench) turns(ctx context.Context, lua string, names []string, targets map[string]*target, connections int) (map[string]*measured, error) {
	results := map[string]*measured{}
	for _, name := range names {
		results[name] = &measured{}
	}
	for turn := range b.slices {
		for i := range names {
			name := names[(i+turn)%len(names)]
			if err := b.quiet(ctx); err != nil {
				return nil, err
			}
			if err := targets[name].measure(ctx, lua, connections, results[name]); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	for _, name := range names {
		m := results[name]
		note("%-8s %2d connections: %8s  p50 %6d µs  p99 %6d µs  CPU a call %4d µs", name, connections, calls(median(m.rate)),
			median(m.p50).Microseconds(), median(m.p99).Microseconds(), median(m.cpu).Microseconds())
	}
	return results, nil
}

// measure gives a peer one turn.
func (t *target) measure(ctx context.Context, lua string, connections int, m *measured) error {
	var before, after time.Duration
	if t.process != nil {
		before = t.used()
	}
	rate, p50, p99, err := wrk(ctx, lua, t.url, connections, slice)
	if err != nil {
		return err
	}
	if t.process != nil {
		after = t.used()
	}
	m.rate, m.p50, m.p99 = append(m.rate, rate), append(m.p50, p50), append(m.p99, p99)
	m.cpu = append(m.cpu, time.Duration(float64(after-before)/(rate*slice.Seconds())))
	return nil
}

// warmTargets starts everybody.
func (b *bench) warmTargets(ctx context.Context) (targets map[string]*target, stop func(), err error) {
	var running []*process
	end := func() {
		for _, p := range running {
			p.stop()
		}
	}
	defer func() {
		if err != nil {
			end()
		}
	}()
	a, backend, err := b.dev(ctx, "dev")
	if err != nil {
		return nil, nil, err
	}
	running = append(running, a.process)
	targets = map[string]*target{"dynsvc": {a.url + "/svc/Bench", a.process}}
	targets["backend"] = &target{"http://" + backend + "/", nil}
	for _, name := range order[2:] {
		p, addr, err := b.peer(ctx, name, backend)
		if err != nil {
			return nil, nil, err
		}
		running = append(running, p)
		targets[name] = &target{"http://" + addr + "/", p}
	}
	return targets, end, nil
}

// dev runs "dynsvc dev" with the module Bench, and returns where its backend is.
func (b *bench) dev(ctx context.Context, name string) (a *agent, backend string, err error) {
	dir, data := filepath.Join(b.dir, name, "Bench"), filepath.Join(b.dir, name, "data")
	if err := writeFiles(dir, backendFiles); err != nil {
		return nil, "", err
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, "", err
	}
	p, err := b.start(name, nil, b.dynsvc, "dev", "-addr", addr, "-data", data, dir)
	if err != nil {
		return nil, "", err
	}
	a = &agent{process: p, url: "http://" + addr}
	if err = p.answers(ctx, a.url+"/svc/Bench"); err == nil {
		backend, err = a.devBackend(ctx, filepath.Join(data, "dev.json"))
	}
	if err != nil {
		p.stop()
	}
	return a, backend, err
}

// devBackend is the address of the one child of "dynsvc dev".
func (a *agent) devBackend(ctx context.Context, devFile string) (string, error) {
	text, err := os.ReadFile(devFile)
	if err != nil {
		return "", err
	}
	var dev struct{ Token string }
	if err := json.Unmarshal(text, &dev); err != nil {
		return "", err
	}
	a.token = dev.Token
	var all []struct{ ID service.ID }
	if err := a.api(ctx, "GET", "/api/v1/services", nil, &all); err != nil {
		return "", err
	}
	if len(all) != 1 {
		return "", fmt.Errorf("%d services, want 1", len(all))
	}
	var detail struct{ State service.State }
	if err := a.api(ctx, "GET", "/api/v1/services/"+string(all[0].ID), nil, &detail); err != nil {
		return "", err
	}
	if len(detail.State.Endpoints) != 1 {
		return "", fmt.Errorf("%d endpoints, want 1", len(detail.State.Endpoints))
	}
	return detail.State.Endpoints[0].Addr, nil
}

// wrk loads url for a while. A call that fails is an error: a rate of refusals
// is no rate.
func wrk(ctx context.Context, lua, url string, connections int, d time.Duration) (rate float64, p50, p99 time.Duration, err error) {
	out, err := exec.CommandContext(ctx, "wrk", "-t1", fmt.Sprintf("-c%d", connections), fmt.Sprintf("-d%ds", int(d.Seconds())), "-s", lua, url).CombinedOutput()
	if err != nil {
		return 0, 0, 0, errors.Join(err, errors.New(string(out)))
	}
	_, line, ok := strings.Cut(string(out), "RESULT ")
	var requests, took, half, most, failed int64
	if _, err := fmt.Sscan(line, &requests, &took, &half, &most, &failed); !ok || err != nil {
		return 0, 0, 0, fmt.Errorf("wrk said: %s", out)
	}
	if failed > 0 || requests == 0 {
		return 0, 0, 0, fmt.Errorf("%d of %d calls failed: %s", failed, requests, out)
	}
	return float64(requests) / (float64(took) / 1e6), time.Duration(half) * time.Microsecond, time.Duration(most) * time.Microsecond, nil
}

// warmRows enters what one load gave.
func (b *bench) warmRows(connections int, results map[string]*measured) {
	const command = "scripts/bench warm"
	ours := results["dynsvc"]
	if connections == 1 {
		added := differences(ours.p50, results["backend"].p50)
		for _, name := range order[1:] {
			m := results[name]
			b.table.add(row{what: "warm, 1 connection: " + name,
				measured: fmt.Sprintf("p50 %d µs, p99 %d µs", median(m.p50).Microseconds(), median(m.p99).Microseconds()),
				against:  fmt.Sprintf("backend alone %d µs", median(results["backend"].p50).Microseconds()),
				ratio:    fmt.Sprintf("+%d µs", median(differences(m.p50, results["backend"].p50)).Microseconds()), command: command}, true)
		}
		bare := differences(results["bare"].p50, results["backend"].p50)
		b.table.add(row{what: "warm, 1 connection: added p50",
			measured: fmt.Sprintf("+%d µs", median(added).Microseconds()), against: fmt.Sprintf("bare ReverseProxy +%d µs", median(bare).Microseconds()),
			ratio: fmt.Sprintf("%.2f", median(ratios(added, bare))), budget: "≤ 1", command: command}, median(added) <= median(bare))
		return
	}
	for _, name := range order {
		if name == "dynsvc" {
			continue
		}
		m := results[name]
		r := row{what: fmt.Sprintf("warm, %d connections", connections),
			measured: fmt.Sprintf("%s, p50 %.1f ms, p99 %.1f ms", calls(median(ours.rate)), median(ours.p50).Seconds()*1000, median(ours.p99).Seconds()*1000),
			against:  fmt.Sprintf("%s %s, p50 %.1f ms, p99 %.1f ms", name, calls(median(m.rate)), median(m.p50).Seconds()*1000, median(m.p99).Seconds()*1000),
			ratio:    fmt.Sprintf("%.2f", median(ratios(ours.rate, m.rate))), command: command}
		if name == "caddy" {
			r.budget = "≥ 1.5"
		}
		b.table.add(r, median(ratios(ours.rate, m.rate)) >= 1.5)
		if name != "backend" {
			b.table.add(row{what: fmt.Sprintf("warm, %d connections: processor time of the proxy for a call", connections),
				measured: fmt.Sprintf("%d µs", median(ours.cpu).Microseconds()), against: fmt.Sprintf("%s %d µs", name, median(m.cpu).Microseconds()),
				ratio: fmt.Sprintf("%.2f", median(ratios(ours.cpu, m.cpu))), command: command}, true)
		}
	}
}

func writeFiles(dir string, files map[string]string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
