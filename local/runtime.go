package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

// Options of a Runtime.
type Options struct {
	Dir          string        // working data: one small file for each child that runs
	Restarts     int           // restarts of a failing program before the start counts as failed; 0: 2
	RestartDelay time.Duration // before such a restart; 0: 1 s

	Docker *Docker                     // runs images; nil: there is none
	Why    error                       // there is none
	Built  func(*service.Version) bool // its image was built here, and is nowhere else; nil: none was
	URL    string                      // of this agent, on loopback; what names it to a container is given another
}

// Runtime is a cluster of one machine: this one.
type Runtime struct {
	log  hclog.Logger
	opts Options
	run  string // folder of the child records

	spawn   *spawner
	dirty   chan service.ID
	stopped sync.WaitGroup // one for each child that has not ended

	mu       sync.Mutex // guards what follows, and the fields of every unit
	units    map[service.ID]*unit
	revision uint64
	closed   bool
}

// unit is one service: its job, the wanted count and the children that run.
type unit struct {
	job       service.Job
	count     int
	revision  uint64
	instances []*instance // ascending by index
	failure   *service.Failure
	failed    int // programs that ended by themselves since the count was last set
	changed   chan struct{}
}

// Open ends what an earlier run left behind and returns a Runtime without
// services. Children run from Scale on; Run ends them.
func Open(opts Options, log hclog.Logger) (*Runtime, error) {
	if opts.Restarts == 0 {
		opts.Restarts = 2
	}
	if opts.RestartDelay == 0 {
		opts.RestartDelay = time.Second
	}
	if opts.Built == nil {
		opts.Built = func(*service.Version) bool { return false }
	}
	run := filepath.Join(opts.Dir, "run")
	if err := os.MkdirAll(run, 0o755); err != nil {
		return nil, fmt.Errorf("open local runtime: %w", err)
	}
	if n, err := endLeftovers(run); err != nil {
		return nil, fmt.Errorf("end what an earlier run left behind: %w", err)
	} else if n > 0 {
		log.Warn("ended processes of an earlier run", "processes", n)
	}
	if opts.Docker != nil {
		if n, err := opts.Docker.endLeftovers(context.Background(), opts.Dir); err != nil {
			return nil, fmt.Errorf("remove the containers that an earlier run left behind: %w", err)
		} else if n > 0 {
			log.Warn("removed containers of an earlier run", "containers", n)
		}
	}
	return &Runtime{
		log: log, opts: opts, run: run,
		spawn: newSpawner(),
		dirty: make(chan service.ID, 1024),
		units: make(map[service.ID]*unit),
	}, nil
}

// Able says why a version could never run on this machine.
func (r *Runtime) Able(v *service.Version) error {
	switch {
	case v.Run.Image != "" && r.opts.Docker == nil && r.opts.Why != nil:
		return service.Errorf(service.ErrInvalid, "%s %s runs the image %s, and no Docker daemon answers here (%w): start one, or name it in $DOCKER_HOST", v.Module, v.Version, v.Run.Image, r.opts.Why)
	case v.Run.Image != "" && r.opts.Docker == nil:
		return service.Errorf(service.ErrInvalid, "%s %s runs an image, and only programs are run here: give run.command", v.Module, v.Version)
	case v.Run.Image == "" && (v.Run.Command == "" || v.Run.Artifact != ""):
		return service.Errorf(service.ErrInvalid, "%s %s runs an artifact; local mode runs programs and images: give run.command, or register it with an agent on Nomad", v.Module, v.Version)
	}
	return nil
}

// Ensure makes the service known with count 0, or gives a known one its new job
// without touching its count.
func (r *Runtime) Ensure(_ context.Context, job service.Job) error {
	v := job.Version
	if err := r.Able(&v); err != nil {
		return err
	}
	if job.Dir == "" && v.Run.Image == "" {
		return fmt.Errorf("ensure %s: its files are not unpacked", v.ID)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if u, ok := r.units[v.ID]; ok {
		u.job = job
		return nil
	}
	r.revision++
	r.units[v.ID] = &unit{job: job, revision: r.revision, changed: make(chan struct{})}
	r.touch(v.ID)
	return nil
}

// Remove ends the service's children and forgets it.
func (r *Runtime) Remove(_ context.Context, id service.ID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	u, ok := r.units[id]
	if !ok {
		return service.Errorf(service.ErrNotFound, "no service %s", id)
	}
	for _, in := range u.instances {
		in.stop()
	}
	delete(r.units, id)
	close(u.changed)
	r.touch(id)
	return nil
}

// Scale sets the count and starts or stops children to match. It returns when
// the programs were started, which is before they listen.
func (r *Runtime) Scale(_ context.Context, s service.Scaling) (uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0, service.Errorf(service.ErrUnavailable, "dynsvc is stopping")
	}
	u, ok := r.units[s.ID]
	if !ok {
		return 0, service.Errorf(service.ErrNotFound, "no service %s", s.ID)
	}
	if s.Revision != 0 && s.Revision != u.revision {
		return 0, service.Errorf(service.ErrConflict, "%s was changed meanwhile: revision %d, not %d", s.ID, u.revision, s.Revision)
	}
	if s.To < 0 {
		return 0, service.Errorf(service.ErrInvalid, "count %d is negative", s.To)
	}
	r.revision++
	u.revision, u.count, u.failure, u.failed = r.revision, s.To, nil, 0
	r.reconcile(u)
	r.touch(s.ID)
	return u.revision, nil
}

// Replace stops an instance and starts another: the count stays.
func (r *Runtime) Replace(_ context.Context, id service.ID, alloc string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if u, ok := r.units[id]; ok {
		for _, in := range u.instances {
			if in.alloc == alloc && !in.stopping {
				in.stop()
				r.reconcile(u)
				r.touch(id)
				return nil
			}
		}
	}
	return service.Errorf(service.ErrNotFound, "%s has no instance %s that runs", id, alloc)
}

// reconcile starts and stops instances until as many live as are wanted; the
// highest indexes stop first, as Nomad does it. r.mu is held.
func (r *Runtime) reconcile(u *unit) {
	live := slices.DeleteFunc(slices.Clone(u.instances), func(in *instance) bool { return in.stopping })
	for len(live) > u.count {
		live[len(live)-1].stop()
		live = live[:len(live)-1]
	}
	if u.failure != nil || r.closed {
		return
	}
	for len(live) < u.count {
		in, err := r.start(u, lowestFree(u.instances))
		if err != nil {
			u.failure = &service.Failure{Cause: service.Exited, Final: true, At: time.Now(),
				Text: fmt.Sprintf("the program could not be started: %s", err)}
			return
		}
		live = append(live, in)
		u.instances = append(u.instances, in)
		slices.SortFunc(u.instances, func(a, b *instance) int { return a.index - b.index })
		u.wake()
	}
}

func lowestFree(instances []*instance) int {
	for i := range instances {
		if instances[i].index != i {
			return i
		}
	}
	return len(instances)
}

// ended is called once when a child is gone.
func (r *Runtime) ended(u *unit, in *instance, exit exit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := u.job.Version.ID
	u.instances = slices.DeleteFunc(u.instances, func(o *instance) bool { return o == in })
	u.wake()
	defer r.touch(id)
	if r.closed || in.stopping || r.units[id] != u {
		return
	}
	u.failed++
	last := u.failed > r.opts.Restarts
	u.failure = &service.Failure{Cause: service.Exited, Alloc: in.alloc, Log: in.out.tail(20), Final: last, At: time.Now(),
		Text: fmt.Sprintf("the program ended by itself after %s: %s", exit.after.Round(time.Millisecond), exit.how)}
	r.log.Warn("program ended by itself", "service", id, "alloc", in.alloc, "reason", exit.how, "took", exit.after.String())
	if last {
		return
	}
	revision := u.revision
	r.stopped.Add(1)
	time.AfterFunc(r.opts.RestartDelay, func() {
		defer r.stopped.Done()
		r.mu.Lock()
		defer r.mu.Unlock()
		if u.revision == revision && r.units[id] == u {
			u.failure = nil
			r.reconcile(u)
			r.touch(id)
		}
	})
}

// touch tells Run that a service changed. r.mu is held.
func (r *Runtime) touch(id service.ID) {
	select {
	case r.dirty <- id:
	default: // Run is far behind; it rereads everything when it sees the full queue.
	}
}

func (u *unit) wake() {
	close(u.changed)
	u.changed = make(chan struct{})
}

// State returns what is known of one service.
func (r *Runtime) State(_ context.Context, id service.ID) (service.State, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u, ok := r.units[id]
	if !ok {
		return service.State{ID: id}, nil
	}
	return u.state(), nil
}

// States returns what is known of all services, ordered by id. A laptop is never
// out of its own reach, so the answer is always fresh.
func (r *Runtime) States() ([]service.State, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	states := make([]service.State, 0, len(r.units))
	for _, u := range r.units {
		states = append(states, u.state())
	}
	slices.SortFunc(states, func(a, b service.State) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return states, true
}

// state is a copy that the caller may keep. r.mu is held.
func (u *unit) state() service.State {
	s := service.State{ID: u.job.Version.ID, Registered: true, Count: u.count, Revision: u.revision, Failure: u.failure}
	for _, in := range u.instances {
		if !in.stopping {
			s.Endpoints = append(s.Endpoints, service.Endpoint{Alloc: in.alloc, Index: in.index, Addr: in.addr,
				Transport: service.Plain, Node: "local", Placed: in.placed, Running: true})
		}
	}
	return s
}

// Run calls changed for every service that changes, one call at a time, until
// ctx ends. Then it stops all children, waits for them and returns nil.
func (r *Runtime) Run(ctx context.Context, changed func(service.State)) error {
	for {
		select {
		case <-ctx.Done():
			r.close()
			return nil
		case id := <-r.dirty:
			if len(r.dirty) == cap(r.dirty)-1 {
				states, _ := r.States()
				for _, s := range states {
					changed(s)
				}
				continue
			}
			s, err := r.State(ctx, id)
			if err != nil {
				return err
			}
			changed(s)
		}
	}
}

func (r *Runtime) close() {
	r.mu.Lock()
	r.closed = true
	for _, u := range r.units {
		for _, in := range u.instances {
			in.stop()
		}
	}
	r.mu.Unlock()
	r.stopped.Wait()
	r.spawn.close()
}

// Nodes returns this machine as the only node. Its amounts are not used to refuse
// anything: what a developer's own module needs is the developer's business.
func (r *Runtime) Nodes(context.Context) ([]service.Node, error) {
	return []service.Node{{ID: "local", Name: "local", Class: "local", Pool: "default", Datacenter: "local",
		Drivers: map[string]bool{"child process": true, "docker": r.opts.Docker != nil}, Ready: true}}, nil
}
