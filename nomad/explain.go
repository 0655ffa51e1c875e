package nomad

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// explained is how many evaluations and allocations Explain tells of, the newest
// of each.
const explained = 5

// Explain tells in lines of text what Nomad did for a service: its job, the last
// evaluations and instances, and what happened to each task.
func (c *Cluster) Explain(ctx context.Context, id service.ID) ([]string, error) {
	j, err := c.job(ctx, id)
	if err != nil {
		return nil, err
	}
	evals, err := c.evaluations(ctx, id)
	if err != nil {
		return nil, err
	}
	allocs, err := c.allocationsOf(ctx, id)
	if err != nil {
		return nil, err
	}
	status := j.Status
	if j.Stop {
		status = "stopped"
	} else if j.count() == 0 {
		status = "idle" // Nomad calls a job without instances dead
	}
	lines := []string{fmt.Sprintf("job %s: %s, count %d, version %d, revision %d", id, status, j.count(), j.Version, j.JobModifyIndex)}

	slices.SortFunc(evals, func(a, b *evaluation) int { return cmp.Compare(b.ModifyIndex, a.ModifyIndex) })
	for _, v := range evals[:min(len(evals), explained)] {
		line := fmt.Sprintf("evaluation %s at %s: %s after %s", short(v.ID), stamp(v.ModifyTime), v.Status, v.TriggeredBy)
		if f := unplaced(v); f != nil {
			line += ": " + f.Text
		} else if v.StatusDescription != "" {
			line += ": " + v.StatusDescription
		}
		lines = append(lines, line)
	}

	slices.SortFunc(allocs, func(a, b *allocation) int { return cmp.Compare(b.CreateIndex, a.CreateIndex) })
	for _, a := range allocs[:min(len(allocs), explained)] {
		line := fmt.Sprintf("instance %s [%d] on %s since %s: wanted %s, is %s",
			short(a.ID), nameIndex(a.Name), a.NodeName, stamp(a.CreateTime), a.DesiredStatus, a.ClientStatus)
		if addr, transport := address(a); addr != "" {
			line += fmt.Sprintf(", %s %s", transport, addr)
		}
		lines = append(lines, line)
		for _, name := range slices.Sorted(maps.Keys(a.TaskStates)) {
			state := a.TaskStates[name]
			lines = append(lines, fmt.Sprintf("  task %s: %s", name, state.State))
			for _, e := range state.Events {
				text := clean(cmp.Or(e.DisplayMessage, e.Message))
				lines = append(lines, strings.TrimSuffix(fmt.Sprintf("    %s %s: %s", stamp(e.Time), e.Type, text), ": "))
			}
		}
	}
	return lines, nil
}

func short(id string) string { return id[:min(8, len(id))] }

func stamp(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05.000") }
