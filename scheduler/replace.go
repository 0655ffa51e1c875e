package scheduler

import (
	"context"
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// Ill is an instance that does not do its work.
type Ill struct {
	Alloc string
	Since time.Time
	Due   time.Time // when it is to be replaced, if it is ill until then
	Why   string    // "Consul calls it critical"
}

// manyIll is how many services may have an instance that is ill, where that is
// more than half of all that run, before none is replaced: then it is rather the
// network, or Consul, or this agent.
const manyIll = 3

// replace is the decision to replace an instance of a service whose count stays.
// One goes at a time, the one that has been ill longest; the limit of an hour and a
// pause that doubles with each replacement keep a program that is broken from being
// started again and again.
func (a *ask) replace() (service.Decision, bool) {
	ill := a.oldestIll()
	if ill == nil || a.notReplaced(ill) != "" {
		return service.Decision{}, false
	}
	in := a.inputs()
	in["ill_seconds"], in["replaced_in_hour"] = a.now.Sub(ill.Since).Seconds(), float64(len(a.Replaced))
	return service.Decision{
		Service: a.ID, At: a.now, From: a.Count, To: a.Count, Kind: service.KindReplace, Winner: "health", Alloc: ill.Alloc, Inputs: in,
		Reason: fmt.Sprintf("instance %s is replaced: for %s %s; %d of %d answer, and it is replacement %d of at most %d in an hour",
			short(ill.Alloc), seconds(a.now.Sub(ill.Since)), ill.Why, a.Ready, a.Count, len(a.Replaced)+1, a.r.ReplaceMost),
	}, true
}

func (v *View) oldestIll() *Ill {
	var oldest *Ill
	for i := range v.Ill {
		if oldest == nil || v.Ill[i].Due.Before(oldest.Due) {
			oldest = &v.Ill[i]
		}
	}
	return oldest
}

// notReplaced says why an instance that is ill is not replaced now; empty: it is.
func (a *ask) notReplaced(ill *Ill) string {
	switch {
	case !a.Fresh, a.Stopped, a.Scale.Max <= 0, a.Count == 0:
		return "nothing is decided about the service now"
	case a.r.ReplaceMost <= 0:
		return "replacing is switched off"
	case a.now.Before(ill.Due):
		return "replaced after " + ill.Due.Sub(ill.Since).String()
	case a.wideIll:
		return "most services that run have an instance that is ill, so that it is rather the network or this agent"
	case len(a.Replaced) >= a.r.ReplaceMost:
		return fmt.Sprintf("%d were replaced in the last hour, which is the limit", len(a.Replaced))
	}
	if n := len(a.Replaced); n > 0 {
		next := a.Replaced[n-1].Add(backoff(n, a.r.ReplacePause, time.Hour))
		if a.now.Before(next) {
			return "the last one was replaced " + seconds(a.now.Sub(a.Replaced[n-1])) + " ago, the next may be at " + next.UTC().Format(time.TimeOnly) + " UTC"
		}
	}
	return ""
}

// aboutIll is what there is to say of instances that are ill; empty: none is.
func (a *ask) aboutIll() string {
	ill := a.oldestIll()
	if ill == nil {
		return ""
	}
	what := fmt.Sprintf("; instance %s is ill, for %s %s", short(ill.Alloc), seconds(a.now.Sub(ill.Since)), ill.Why)
	if more := len(a.Ill) - 1; more > 0 {
		what += fmt.Sprintf(", and %d more", more)
	}
	if why := a.notReplaced(ill); why != "" {
		return what + ": " + why
	}
	return what + ": it is replaced now"
}

// wideIll reports whether most services that run seem ill at once.
func wideIll(s *Snapshot) bool {
	run, ill := 0, 0
	for i := range s.Services {
		if s.Services[i].Count > 0 {
			run++
		}
		if len(s.Services[i].Ill) > 0 {
			ill++
		}
	}
	return ill >= manyIll && 2*ill > run
}

// short is as much of an instance's id as people read.
func short(alloc string) string {
	if len(alloc) > 8 {
		return alloc[:8]
	}
	return alloc
}

// exchange carries out the decision to replace an instance. The caller has the
// turn of the service. Calls that the instance has get its stop grace, as they do
// whenever the cluster stops one.
func (e *Engine) exchange(ctx context.Context, t *tracked, d service.Decision) error {
	id, err := e.db.AddDecision(ctx, d)
	if err != nil {
		return fmt.Errorf("store the decision: %w", err)
	}
	d.ID = id
	// Counted also where the cluster refuses: it is not to be asked every tick.
	e.mu.Lock()
	t.replaced = append(t.replaced, time.Now())
	e.mu.Unlock()
	ask, cancel := context.WithTimeout(ctx, e.opts.ScaleTimeout)
	defer cancel()
	d.Outcome = applied
	err = e.opts.Replace(ask, d.Service, d.Alloc)
	if err != nil {
		d.Outcome = "not applied: " + err.Error()
	} else {
		e.log.Info("replaced an instance", "service", d.Service, "alloc", d.Alloc, "reason", d.Reason)
	}
	e.finish(ctx, d)
	return err
}

// replacedSince forgets the replacements that no longer count. Engine.mu is held.
func (t *tracked) replacedSince(from time.Time) []time.Time {
	for len(t.replaced) > 0 && t.replaced[0].Before(from) {
		t.replaced = t.replaced[1:]
	}
	return t.replaced
}
