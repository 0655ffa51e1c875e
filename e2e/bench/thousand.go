package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	nomad "github.com/hashicorp/nomad/api"
)

const (
	registered = 1000
	woken      = 200
)

// thousand registers 1 000 services with Nomad, whose mock driver runs nothing, and
// calls 200 of them at once, each for the first time. What listens on the ports that
// Nomad gives them is this program: what is measured is all but the services.
func (b *bench) thousand(ctx context.Context) error {
	one, err := b.model(ctx, "thousand")
	if err != nil {
		return err
	}
	began := time.Now()
	if err := b.fill(ctx, one, filling{folder: "thousand", module: "Mock", modules: registered, each: 1, change: mock}); err != nil {
		return err
	}
	defer b.purge(ctx, "dyn-mock")
	registering := time.Since(began)

	way, err := b.countedWay("thousand")
	if err != nil {
		return err
	}
	defer way.Close() //nolint:errcheck // its listeners end with it
	listening, stop := context.WithCancel(ctx)
	defer stop()
	stand, err := b.standIn(listening)
	if err != nil {
		return err
	}
	a, err := b.startAgain("thousand")
	if err != nil {
		return err
	}
	defer a.stop()
	if err := errors.Join(a.answers(ctx, a.url+"/readyz"), sleep(ctx, settle), b.quiet(ctx)); err != nil {
		return err
	}
	idle, _ := memory(a.cmd.Process.Pid)
	before := way.asked.Load()
	took, all, err := wakeAtOnce(ctx, a.url)
	if err != nil {
		return errors.Join(err, stand())
	}
	asked := way.asked.Load() - before
	warm, _ := memory(a.cmd.Process.Pid)
	for path, n := range way.most(5) {
		note("asked of Nomad: %d %s", n, path)
	}
	const command = "scripts/bench thousand"
	b.table.add(row{what: fmt.Sprintf("%d services registered with Nomad, mock driver", registered), command: command,
		measured: fmt.Sprintf("%s, %s each", registering.Round(100*time.Millisecond), ms(registering/registered))}, true)
	b.table.add(row{what: fmt.Sprintf("%d of them woken by %d calls at once", woken, woken), budget: "≤ 60 s", command: command,
		measured: fmt.Sprintf("all after %s, p50 %s, p99 %s", ms(all), ms(median(took)), ms(quantile(took, 0.99)))}, all <= time.Minute)
	b.table.add(row{what: "requests to Nomad for a wake", command: command, measured: fmt.Sprintf("%.1f", float64(asked)/woken)}, true)
	b.table.add(row{what: fmt.Sprintf("resident with %d services, and with %d awake", registered, woken), command: command,
		measured: fmt.Sprintf("%d MB, %d MB", idle>>10, warm>>10)}, true)
	return nil
}

// mock has Nomad run nothing in place of the program.
func mock(j *nomad.Job) {
	task := j.TaskGroups[0].Tasks[0]
	task.Driver, task.Config = "mock_driver", map[string]any{"run_for": "1h"}
	task.Artifacts, task.Templates = nil, nil
	task.Resources.CPU, task.Resources.MemoryMB = new(10), new(10)
	j.TaskGroups[0].EphemeralDisk = &nomad.EphemeralDisk{SizeMB: new(20)} // its logs alone may take 15
}

// way is a proxy in front of Nomad that counts.
type way struct {
	*http.Server
	asked atomic.Int64
	mu    sync.Mutex
	paths map[string]int
}

// countedWay has an agent that is started again reach Nomad through a proxy.
func (b *bench) countedWay(name string) (*way, error) {
	to, err := url.Parse(b.servers.NomadAddr)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	if err != nil {
		return nil, err
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorLog = hclog.NewNullLogger().StandardLogger(nil) // the agent breaks its long polls off when it stops
	proxy.FlushInterval = -1                                   // the event stream
	w := &way{paths: map[string]int{}}
	w.Server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		path := r.URL.Path
		if i := strings.Index(path, "dyn-"); i >= 0 {
			path = path[:i] + "…" + path[i+strings.IndexByte(path[i:]+"/", '/'):]
		}
		w.mu.Lock()
		w.paths[r.Method+" "+path]++
		w.mu.Unlock()
		proxy.ServeHTTP(rw, r)
	})}
	go w.Serve(l) //nolint:errcheck // ends with Close
	config := filepath.Join(b.dir, name+".hcl")
	text, err := os.ReadFile(config)
	if err != nil {
		return nil, err
	}
	said := strings.Replace(string(text), b.servers.NomadAddr, "http://"+l.Addr().String(), 1)
	return w, os.WriteFile(config, []byte(said), 0o644)
}

// most are the paths that were asked for most.
func (w *way) most(n int) map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	most := map[string]int{}
	for range n {
		best := ""
		for path, count := range w.paths {
			if _, have := most[path]; !have && (best == "" || count > w.paths[best]) {
				best = path
			}
		}
		if best != "" {
			most[best] = w.paths[best]
		}
	}
	return most
}

// standIn listens wherever Nomad says that an instance of a mock service does,
// until ctx ends; the returned function says what went wrong.
func (b *bench) standIn(ctx context.Context) (failed func() error, err error) {
	events, err := b.servers.Nomad.EventStream().Stream(ctx, map[nomad.Topic][]string{nomad.TopicAllocation: {"*"}}, 0, (&nomad.QueryOptions{}).WithContext(ctx))
	if err != nil {
		return nil, err
	}
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "here") })}
	var mu sync.Mutex
	var faults []error
	known := map[string]bool{}
	go func() {
		defer srv.Close() //nolint:errcheck // its listeners end with it
		for batch := range events {
			if batch.Err != nil {
				mu.Lock()
				faults = append(faults, batch.Err)
				mu.Unlock()
				return
			}
			for i := range batch.Events {
				alloc, err := batch.Events[i].Allocation()
				if err != nil || alloc == nil || known[alloc.ID] || !strings.HasPrefix(alloc.JobID, "dyn-mock") || alloc.AllocatedResources == nil {
					continue
				}
				known[alloc.ID] = true
				for _, p := range alloc.AllocatedResources.Shared.Ports {
					l, err := net.Listen("tcp", net.JoinHostPort(p.HostIP, fmt.Sprint(p.Value))) //nolint:noctx // returns at once
					if err != nil {
						mu.Lock()
						faults = append(faults, err)
						mu.Unlock()
						continue
					}
					go srv.Serve(l) //nolint:errcheck // ends with Close
				}
			}
		}
	}()
	return func() error {
		mu.Lock()
		defer mu.Unlock()
		return errors.Join(faults...)
	}, nil
}

// wakeAtOnce calls services for the first time, all at once, and says how long each
// answer took and how long all did.
func wakeAtOnce(ctx context.Context, addr string) (took []time.Duration, all time.Duration, err error) {
	var mu sync.Mutex
	var calls sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: woken}, Timeout: 2 * time.Minute}
	began := time.Now()
	for i := range woken {
		calls.Go(func() {
			req, reqErr := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/svc/Mock%05d/", addr, i*(registered/woken)), nil)
			if reqErr == nil {
				var res *http.Response
				if res, reqErr = client.Do(req); reqErr == nil {
					if res.StatusCode != http.StatusOK {
						reqErr = errors.New(res.Status)
					}
					reqErr = errors.Join(reqErr, res.Body.Close())
				}
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(began))
			if reqErr != nil {
				err = fmt.Errorf("service %d: %w", i, reqErr)
			}
		})
	}
	calls.Wait()
	return took, time.Since(began), err
}
