package nomad

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/nomad/api"
)

// Plan is what registering a jobspec would change.
type Plan struct {
	Index    uint64   // the revision that was compared with; 0: there is no such job
	Diff     []string // lines that begin with +, - or ~, indented by depth; empty: nothing changes
	Warnings []string
	Lacking  string // why not every instance could be placed; empty: all could
}

// Plan compares a jobspec with what is registered. The count in it is compared
// too, though Ensure keeps the one that is.
func (c *Cluster) Plan(ctx context.Context, hcl string) (Plan, error) {
	j, err := c.read(ctx, hcl)
	if err != nil {
		return Plan{}, err
	}
	q, cancel := c.write(ctx)
	defer cancel()
	answer, _, err := c.calls.Jobs().Plan(j, true, q)
	if err != nil {
		return Plan{}, classify(err, "plan job "+*j.ID)
	}
	p := Plan{Index: answer.JobModifyIndex, Warnings: warnings(answer.Warnings)}
	if m := answer.FailedTGAllocs[group]; m != nil {
		p.Lacking = (&metrics{NodesEvaluated: m.NodesEvaluated, NodesInPool: m.NodesInPool, NodePool: m.NodePool, NodesAvailable: m.NodesAvailable,
			ConstraintFiltered: m.ConstraintFiltered, DimensionExhausted: m.DimensionExhausted, QuotaExhausted: m.QuotaExhausted}).String()
	}
	if d := answer.Diff; d != nil {
		var w diffWriter
		w.fields(0, d.Fields)
		w.objects(0, d.Objects)
		for _, g := range d.TaskGroups {
			if w.line(0, g.Type, fmt.Sprintf("group %q", g.Name)) {
				w.fields(1, g.Fields)
				w.objects(1, g.Objects)
				for _, t := range g.Tasks {
					if w.line(1, t.Type, fmt.Sprintf("task %q", t.Name)) {
						w.fields(2, t.Fields)
						w.objects(2, t.Objects)
					}
				}
			}
		}
		p.Diff = w.lines
	}
	return p, nil
}

type diffWriter struct{ lines []string }

var diffMarks = map[string]string{"Added": "+", "Deleted": "-", "Edited": "~"}

// line reports whether the thing changed.
func (w *diffWriter) line(depth int, kind, text string) bool {
	mark, ok := diffMarks[kind]
	if ok {
		w.lines = append(w.lines, mark+" "+strings.Repeat("  ", depth)+text)
	}
	return ok
}

func (w *diffWriter) fields(depth int, fields []*api.FieldDiff) {
	for _, f := range fields {
		switch f.Type {
		case "Added":
			w.line(depth, f.Type, fmt.Sprintf("%s: %q", f.Name, f.New))
		case "Deleted":
			w.line(depth, f.Type, fmt.Sprintf("%s: %q", f.Name, f.Old))
		default:
			w.line(depth, f.Type, fmt.Sprintf("%s: %q -> %q", f.Name, f.Old, f.New))
		}
	}
}

func (w *diffWriter) objects(depth int, objects []*api.ObjectDiff) {
	for _, o := range objects {
		if w.line(depth, o.Type, o.Name) {
			w.fields(depth+1, o.Fields)
			w.objects(depth+1, o.Objects)
		}
	}
}
