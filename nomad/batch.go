package nomad

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

// EnsureBatch has a parameterized job exist with this text.
func (c *Cluster) EnsureBatch(ctx context.Context, want service.Job) error {
	return unlessChanged(func() error {
		j, _, opts, err := c.prepare(ctx, want)
		if err != nil || j == nil {
			return err
		}
		q, cancel := c.write(ctx)
		defer cancel()
		_, _, err = c.calls.Jobs().RegisterOpts(j, opts, q)
		return classify(err, "register "+string(want.Version.ID))
	})
}

// Dispatch begins a run and returns its id. Where there is a run of the same key,
// ended or not, that is the one.
func (c *Cluster) Dispatch(ctx context.Context, b service.Batch) (id string, err error) {
	q, cancel := c.write(ctx)
	defer cancel()
	q.IdempotencyToken = b.Key
	answer, _, err := c.calls.Jobs().DispatchOpts(&api.DispatchOptions{JobID: b.Job, Meta: b.Meta}, q)
	if err != nil {
		return "", classify(err, "dispatch "+b.Job)
	}
	return answer.DispatchedJobID, nil
}

// EndBatch stops a run, if it still runs, and forgets it.
func (c *Cluster) EndBatch(ctx context.Context, id string) error {
	q, cancel := c.write(ctx)
	defer cancel()
	_, _, err := c.calls.Jobs().Deregister(id, true, q)
	if err = classify(err, "remove "+id); isNotFound(err) {
		return nil
	}
	return err
}

// batchEvery is how often a run that is followed is looked at.
const batchEvery = time.Second

// FollowBatch emits what a run says, from its beginning, one task after the other,
// until it ends. It is nil when every task ended well, else a [service.BatchError];
// what keeps the run waiting is told to waits, each reason once.
func (c *Cluster) FollowBatch(ctx context.Context, id string, emit func(task string, text []byte) error, waits func(reason string)) error {
	f := &batchFollower{cluster: c, id: service.ID(id), emit: emit, waits: waits, read: map[string]int64{}}
	tick := time.NewTicker(batchEvery)
	defer tick.Stop()
	for {
		ended, err := f.look(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case ended:
			return err
		case err != nil && !errors.Is(err, service.ErrUnavailable):
			return err
		case err != nil:
			f.wait(err.Error()) // Nomad may come back, and the run goes on without it
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// batchFollower is one who follows a run.
type batchFollower struct {
	cluster *Cluster
	id      service.ID
	emit    func(task string, text []byte) error
	waits   func(reason string)
	read    map[string]int64 // task -> bytes of its output that were emitted
	told    string           // the last reason to wait
	dead    bool             // the last look found it ended, with nothing placed
	unread  int              // looks at which the output could not be read
}

// mostUnread is how often the output of a run that has ended is asked for, before how
// it ended is told without: its node may be gone by now.
const mostUnread = 30

func (f *batchFollower) wait(reason string) {
	if reason != "" && reason != f.told {
		f.told = reason
		f.waits(reason)
	}
}

// look emits what is new. ended says that nothing will be, and how it ended.
func (f *batchFollower) look(ctx context.Context) (ended bool, err error) {
	allocs, err := f.cluster.allocationsOf(ctx, f.id)
	if err != nil {
		return false, err
	}
	if len(allocs) == 0 {
		return f.unplaced(ctx)
	}
	a := allocs[0]
	for _, other := range allocs {
		if other.CreateIndex < a.CreateIndex {
			a = other // a later one stands in for it, and is not waited for
		}
	}
	switch a.ClientStatus {
	case api.AllocClientStatusLost, api.AllocClientStatusUnknown:
		return true, &service.BatchError{Lost: true, Text: "the node " + a.NodeName + ", which ran it, was lost"}
	case api.AllocClientStatusComplete, api.AllocClientStatusFailed:
		ended = true
	}
	for _, name := range startedTasks(a) {
		if err := f.readOn(ctx, a.ID, name); err != nil && (!ended || f.unread < mostUnread) {
			f.unread++
			return false, err
		}
	}
	if ended {
		return true, batchEnd(a)
	}
	return false, nil
}

// unplaced says why no node has the run yet, or that it was stopped before one had.
func (f *batchFollower) unplaced(ctx context.Context) (ended bool, err error) {
	j, err := f.cluster.job(ctx, f.id)
	switch {
	case isNotFound(err), err == nil && j.Stop:
		return true, &service.BatchError{Text: "it was stopped in Nomad before a node had it"}
	case err != nil:
		return false, err
	case j.Status == "dead" && f.dead:
		return true, &service.BatchError{Text: "it has ended, and Nomad has not kept how"}
	}
	f.dead = j.Status == "dead" // it may have been placed and ended since its allocations were read
	evals, err := f.cluster.evaluations(ctx, f.id)
	if err != nil {
		return false, err
	}
	for _, e := range evals {
		for _, m := range e.FailedTGAllocs {
			f.wait("no node can take it now: " + m.String())
		}
	}
	return false, nil
}

// startedTasks are the tasks of an allocation that ran, in the order in which they began.
func startedTasks(a *allocation) []string {
	var names []string
	at := map[string]int64{}
	for name, state := range a.TaskStates {
		for _, e := range state.Events {
			if e.Type == api.TaskStarted {
				at[name] = e.Time
				names = append(names, name)
				break
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(at[a], at[b]), cmp.Compare(a, b)) })
	return names
}

// batchEnd is how a run ended, by the first of its tasks that failed.
func batchEnd(a *allocation) error {
	for _, name := range startedTasks(a) {
		state := a.TaskStates[name]
		for i, e := range state.Events {
			if e.Type != api.TaskTerminated {
				continue
			}
			code, _ := strconv.Atoi(detail(e, "exit_code")) // absent is 0
			if code != 0 || detail(e, "signal") != "" && detail(e, "signal") != "0" || detail(e, "oom_killed") == "true" {
				return &service.BatchError{Task: name, Exit: code, Text: ending(e, state.Events[:i])}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.TaskStates)) {
		if state := a.TaskStates[name]; state.Failed {
			if failure := diagnoseTask(name, state); failure != nil {
				return &service.BatchError{Text: failure.Text}
			}
		}
	}
	if a.ClientStatus == api.AllocClientStatusFailed {
		return &service.BatchError{Text: cmp.Or(clean(a.ClientDescription), "Nomad says no more than that it failed")}
	}
	if a.DesiredStatus == api.AllocDesiredStatusStop {
		return &service.BatchError{Text: "it was stopped in Nomad"}
	}
	return nil
}
