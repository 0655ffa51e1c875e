package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	nomad "github.com/hashicorp/nomad/api"
	"golang.org/x/sync/errgroup"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

const (
	versions = 10_000
	settle   = 20 * time.Second // until memory is looked at: some ticks and a full list
)

// idle starts the agent on a database of 10 000 versions, each with its job in
// Nomad, none of them running.
func (b *bench) idle(ctx context.Context) error {
	a, id, err := b.coldAgent(ctx, "idle", "")
	if err != nil {
		return err
	}
	var one struct{ Definition service.Version }
	err = a.api(ctx, http.MethodGet, "/api/v1/services/"+string(id), nil, &one)
	a.stop()
	if err != nil {
		return err
	}
	if err := b.fill(ctx, one.Definition); err != nil {
		return err
	}
	defer b.purge(ctx)
	var first, ready []time.Duration
	var resident, peak []int
	for round := range 3 {
		began := time.Now()
		a, err := b.startIdle(ctx)
		if err != nil {
			return err
		}
		answers, err := a.since(ctx, began, "/healthz")
		if err != nil {
			a.stop()
			return err
		}
		fresh, err := a.since(ctx, began, "/readyz")
		if err == nil {
			err = sleep(ctx, settle)
		}
		now, high := memory(a.cmd.Process.Pid)
		a.stop()
		if err != nil {
			return err
		}
		first, ready = append(first, answers), append(ready, fresh)
		resident, peak = append(resident, now), append(peak, high)
		note("round %d: answers after %s, ready after %s, %d MB resident, %d MB at most", round, ms(answers), ms(fresh), now>>10, high>>10)
	}
	b.table.add(row{what: "10 000 idle versions: start to ready", measured: fmt.Sprintf("%s (answers after %s)", ms(median(ready)), ms(median(first))),
		budget: "≤ 2 s", command: "scripts/bench idle"}, median(ready) <= 2*time.Second)
	b.table.add(row{what: "10 000 idle versions: resident", measured: fmt.Sprintf("%d MB (peak %d MB)", median(resident)>>10, median(peak)>>10),
		budget: "≤ 150 MB", command: "scripts/bench idle"}, median(resident)>>10 <= 150)
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// fill saves the versions and registers their jobs, which differ in name only.
func (b *bench) fill(ctx context.Context, one service.Version) (err error) {
	job, _, err := b.servers.Nomad.Jobs().Info(string(one.ID), nil)
	if err != nil {
		return err
	}
	text, err := json.Marshal(job)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, filepath.Join(b.dir, "idle", "dynsvc.db"), hclog.NewNullLogger())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	began := time.Now()
	var jobs errgroup.Group
	jobs.SetLimit(8)
	for i := range versions - 1 { // the template is one
		v := one
		v.Module = fmt.Sprintf("Idle%05d", i/4) // four versions each
		v.Version = fmt.Sprintf("1.%d.0", i%4)
		v.Digest = fmt.Sprintf("sha256:%08x%056x", i, i)
		v.ID = service.NewID(v.Module, "", v.Digest)
		v.RegisteredAt = time.Time{}
		if _, _, err := db.SaveVersion(ctx, store.Registration{Version: v, Tags: []string{service.Dev, service.Release}}); err != nil {
			return err
		}
		jobs.Go(func() error {
			var j nomad.Job
			if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), string(one.ID), string(v.ID))), &j); err != nil {
				return err
			}
			_, _, err := b.servers.Nomad.Jobs().Register(&j, (&nomad.WriteOptions{}).WithContext(ctx))
			return err
		})
	}
	if err := jobs.Wait(); err != nil {
		return err
	}
	note("saved %d versions and registered their jobs in %s", versions, time.Since(began).Round(time.Second))
	return nil
}

// purge removes the jobs, faster than the cluster's own way.
func (b *bench) purge(ctx context.Context) {
	stubs, _, err := b.servers.Nomad.Jobs().List((&nomad.QueryOptions{Prefix: "dyn-idle"}).WithContext(ctx))
	if err != nil {
		note("purge: %v", err)
		return
	}
	var jobs errgroup.Group
	jobs.SetLimit(8)
	for _, s := range stubs {
		jobs.Go(func() error {
			_, _, err := b.servers.Nomad.Jobs().Deregister(s.ID, true, nil)
			return err
		})
	}
	if err := jobs.Wait(); err != nil {
		note("purge: %v", err)
	}
}

// startIdle runs the agent on the filled data folder again.
func (b *bench) startIdle(_ context.Context) (*agent, error) {
	text, err := os.ReadFile(filepath.Join(b.dir, "idle.hcl"))
	if err != nil {
		return nil, err
	}
	var addr string
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "listen = %q", &addr); err == nil {
			break
		}
	}
	p, err := b.start("idle", nil, b.dynsvc, "agent", "-config", filepath.Join(b.dir, "idle.hcl"))
	if err != nil {
		return nil, err
	}
	return &agent{process: p, url: "http://" + addr, token: "bench"}, nil
}

// since waits for a good answer and says how long after began it came.
func (a *agent) since(ctx context.Context, began time.Time, path string) (time.Duration, error) {
	var last error
	for time.Since(began) < time.Minute {
		if last = get(ctx, a.url+path); last == nil {
			return time.Since(began), nil
		}
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("%s: %w (log: %s)", path, last, a.log)
}

// memory is what a process has in memory now and had at most, in KiB.
func memory(pid int) (now, peak int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // gone: zero
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		kib, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
		switch name {
		case "VmRSS":
			now = kib
		case "VmHWM":
			peak = kib
		}
	}
	return now, peak
}
