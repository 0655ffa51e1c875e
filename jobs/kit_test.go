package jobs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/jobs"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// kit is a queue with two modules, A and B, whose methods "again" may run twice
// and "once" may not. The gateway is played by hand.
type kit struct {
	t    *testing.T
	dir  string
	db   *store.DB
	q    *jobs.Queue
	gw   *gate
	stop func() // ends Run and waits for it
}

// gate is the gateway. A test says what a call does.
type gate struct {
	db    *store.DB
	mu    sync.Mutex
	calls []service.JobCall
	do    func(ctx context.Context, c service.JobCall, to io.Writer) (service.JobAnswer, error)
}

func (g *gate) does(do func(ctx context.Context, c service.JobCall, to io.Writer) (service.JobAnswer, error)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.do = do
}

func (g *gate) Call(ctx context.Context, c service.JobCall, to io.Writer) (service.JobAnswer, error) {
	g.mu.Lock()
	g.calls = append(g.calls, c)
	do := g.do
	g.mu.Unlock()
	return do(ctx, c, to)
}

func (g *gate) made() []service.JobCall {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]service.JobCall{}, g.calls...)
}

func (g *gate) Admit(ctx context.Context, r service.JobRequest) (service.Admission, error) {
	m, err := g.db.Module(ctx, r.Module)
	if err != nil {
		return service.Admission{}, err
	}
	v, err := service.Resolve(m, r.Ref)
	name := r.Authorization[strings.LastIndexByte(r.Authorization, ' ')+1:]
	var c service.Caller
	if name != "" {
		c = service.Caller{Name: name, Role: service.User}
	}
	return service.Admission{Version: &v, Caller: c, Payer: r.Peer.Payer(c), Authorization: r.Authorization}, err
}

// answers has each call answered with these bytes.
func answers(text string) func(context.Context, service.JobCall, io.Writer) (service.JobAnswer, error) {
	return func(ctx context.Context, c service.JobCall, to io.Writer) (service.JobAnswer, error) {
		if err := c.Sending(ctx); err != nil {
			return service.JobAnswer{}, err
		}
		_, err := io.WriteString(to, text)
		return service.JobAnswer{Status: http.StatusOK, Sent: true}, err
	}
}

// holds has each call last until its context ends.
func holds(ctx context.Context, c service.JobCall, _ io.Writer) (service.JobAnswer, error) {
	if err := c.Sending(ctx); err != nil {
		return service.JobAnswer{}, err
	}
	<-ctx.Done()
	return service.JobAnswer{Sent: true}, ctx.Err()
}

// loses has each call lose its instance.
func loses(ctx context.Context, c service.JobCall, _ io.Writer) (service.JobAnswer, error) {
	return service.JobAnswer{Sent: true}, orElse(c.Sending(ctx), fmt.Errorf("the instance was lost"))
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func newKit(t *testing.T, change ...func(*jobs.Options)) *kit {
	t.Helper()
	k := &kit{t: t, dir: t.TempDir()}
	k.db = openDB(t, k.dir)
	k.gw = &gate{db: k.db, do: answers(`{"result": [1]}`)}
	k.open(change...)
	return k
}

func openDB(t testing.TB, dir string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(dir, "dynsvc.db"), hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	for i, name := range []string{"A", "B"} {
		v := module(name, i)
		if _, _, err := db.SaveVersion(t.Context(), store.Registration{Version: v, Tags: []string{"release"}}); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func module(name string, contents int) service.Version {
	digest := fmt.Sprintf("sha256:%08x%056x", contents, contents)
	minute := service.Duration{Duration: time.Minute}
	return service.Version{
		ID: service.NewID(name, "", digest), Module: name, Version: "1.0.0", Digest: digest, Typed: true,
		Run: service.Run{Image: "x", Port: 5000, Health: service.Health{Path: "/", StartDeadline: minute}},
		Methods: []service.Method{
			{Name: "again", Mode: service.Both, Timeout: minute, JobTimeout: minute, Idempotent: true},
			{Name: "once", Mode: service.Async, JobTimeout: minute},
		},
	}
}

// loopback may be called back in tests.
var loopback = netip.MustParsePrefix("127.0.0.0/8")

// open opens the queue, or opens it again after stop.
func (k *kit) open(change ...func(*jobs.Options)) {
	k.t.Helper()
	opts := jobs.Options{URL: "http://agent.example.org", CallbackNetworks: []netip.Prefix{loopback}}
	for _, f := range change {
		f(&opts)
	}
	var err error
	if k.q, err = jobs.Open(k.t.Context(), k.db, filepath.Join(k.dir, "jobs"), k.gw, hclog.NewNullLogger(), opts); err != nil {
		k.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- k.q.Run(ctx) }()
	k.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ran; err != nil {
			k.t.Errorf("run: %v", err)
		}
	})
	k.t.Cleanup(k.stop)
}

// submit makes a job of a call such as "A.once" by a caller, the last word of
// whose Authorization is the name.
func (k *kit) submit(call, caller string, change ...func(*jobs.Submission)) service.CallJob {
	k.t.Helper()
	module, method, _ := strings.Cut(call, ".")
	s := jobs.Submission{JobRequest: service.JobRequest{Module: module, Method: method, Params: json.RawMessage(`[1]`), Authorization: caller}}
	for _, f := range change {
		f(&s)
	}
	job, _, err := k.q.Submit(k.t.Context(), s)
	if err != nil {
		k.t.Fatal(err)
	}
	return job
}

// until waits until a job is as it should be.
func (k *kit) until(id, what string, fits func(service.CallJob) bool) service.CallJob {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), time.Minute)
	defer cancel()
	for {
		job, err := k.q.Wait(ctx, id, 200*time.Millisecond)
		if err != nil {
			k.t.Fatalf("job %s never was %s: %v; it is %+v", id, what, err, job)
		}
		if fits(job) {
			return job
		}
	}
}

func (k *kit) ended(id string) service.CallJob {
	k.t.Helper()
	return k.until(id, "finished", func(j service.CallJob) bool { return j.State.Finished() })
}

func (k *kit) running(id string) service.CallJob {
	k.t.Helper()
	return k.until(id, "sent", func(j service.CallJob) bool { return j.State == service.JobRunning && j.Sends > 0 })
}
