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
	one, err := b.model(ctx, "idle")
	if err != nil {
		return err
	}
	// The template is one.
	if err := b.fill(ctx, one, filling{folder: "idle", module: "Idle", modules: versions / 4, each: 4, but: 1}); err != nil {
		return err
	}
	defer b.purge(ctx, "dyn-idle")
	var first, ready []time.Duration
	var resident, peak []int
	for round := range 5 {
		if err := b.quiet(ctx); err != nil {
			return err
		}
		began := time.Now()
		a, err := b.startAgain("idle")
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

// model is a version that others are made like: of an agent that has then ended.
func (b *bench) model(ctx context.Context, name string) (service.Version, error) {
	a, id, err := b.coldAgent(ctx, name)
	if err != nil {
		return service.Version{}, err
	}
	defer a.stop()
	var one struct{ Definition service.Version }
	err = a.api(ctx, http.MethodGet, "/api/v1/services/"+string(id), nil, &one)
	return one.Definition, err
}

// filling is a number of versions that differ in name only.
type filling struct {
	folder  string // of the agent's data
	module  string // what the modules' names begin with
	modules int
	each    int // versions of a module
	but     int // the last few are left out
	change  func(*nomad.Job)
}

// fill saves versions like one and registers their jobs.
func (b *bench) fill(ctx context.Context, one service.Version, f filling) (err error) {
	job, _, err := b.servers.Nomad.Jobs().Info(string(one.ID), nil)
	if err != nil {
		return err
	}
	text, err := json.Marshal(job)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, filepath.Join(b.dir, f.folder, "dynsvc.db"), hclog.NewNullLogger())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	began := time.Now()
	var jobs errgroup.Group
	jobs.SetLimit(8)
	many := f.modules*f.each - f.but
	for i := range many {
		v := one
		v.Module = fmt.Sprintf("%s%05d", f.module, i/f.each)
		v.Version = fmt.Sprintf("1.%d.0", i%f.each)
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
			if f.change != nil {
				f.change(&j)
			}
			_, _, err := b.servers.Nomad.Jobs().Register(&j, (&nomad.WriteOptions{}).WithContext(ctx))
			return err
		})
	}
	if err := jobs.Wait(); err != nil {
		return err
	}
	note("saved %d versions and registered their jobs in %s", many, time.Since(began).Round(time.Second))
	return nil
}

// purge removes the jobs, faster than the cluster's own way.
func (b *bench) purge(ctx context.Context, prefix string) {
	stubs, _, err := b.servers.Nomad.Jobs().List((&nomad.QueryOptions{Prefix: prefix}).WithContext(ctx))
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

// startAgain runs an agent with the configuration and data that it had before.
func (b *bench) startAgain(name string) (*agent, error) {
	config := filepath.Join(b.dir, name+".hcl")
	text, err := os.ReadFile(config)
	if err != nil {
		return nil, err
	}
	var addr string
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "listen = %q", &addr); err == nil {
			break
		}
	}
	p, err := b.start(name, nil, b.dynsvc, "agent", "-config", config)
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
