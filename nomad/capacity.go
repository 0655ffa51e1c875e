package nomad

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

// computedClass is Nomad's word for a node like one it has already ruled out.
const computedClass = "computed class ineligible"

// unplaced says why an evaluation placed less than the job wants; nil: it did
// not, or it is not known yet.
func unplaced(e *evaluation) *service.Failure {
	at := time.Unix(0, cmp.Or(e.ModifyTime, e.CreateTime))
	if m, ok := e.FailedTGAllocs[group]; ok && m != nil {
		return &service.Failure{Cause: service.NoCapacity, Text: "no node can hold it now: " + m.String(), Final: true, At: at}
	}
	if e.Status == api.EvalStatusFailed {
		return &service.Failure{Cause: service.Rejected, At: at,
			Text: "nomad could not decide where to place it: " + cmp.Or(e.StatusDescription, "no reason given")}
	}
	return nil
}

// String names what is lacking and on how many nodes: the exhausted dimensions
// first, since those change with time, then what rules nodes out for good.
func (m *metrics) String() string {
	var parts []string
	for _, dim := range byCount(m.DimensionExhausted) {
		what := dim + " exhausted"
		if strings.Contains(dim, ":") {
			what = dim // "devices: no devices match request" says it itself
		}
		parts = append(parts, what+" on "+nodes(m.DimensionExhausted[dim]))
	}
	for _, q := range m.QuotaExhausted {
		parts = append(parts, "quota "+q+" exhausted")
	}
	for _, c := range byCount(m.ConstraintFiltered) {
		n := nodes(m.ConstraintFiltered[c])
		switch {
		case c == computedClass:
			parts = append(parts, n+" like those")
		case strings.HasPrefix(c, "missing "):
			parts = append(parts, c+" on "+n)
		default:
			parts = append(parts, n+" without "+c)
		}
	}
	if len(parts) > 0 {
		return strings.Join(parts, ", ")
	}
	total := 0
	for _, n := range m.NodesAvailable {
		total += n
	}
	switch {
	case m.NodesInPool == 0:
		return fmt.Sprintf("node pool %q has no nodes that are ready", cmp.Or(m.NodePool, "default"))
	case total == 0:
		return "no node of its datacenters is ready"
	}
	return fmt.Sprintf("%s looked at, none fits", nodes(m.NodesEvaluated))
}

// byCount returns the keys, the most frequent first.
func byCount(m map[string]int) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b], m[a]), cmp.Compare(a, b))
	})
}

func nodes(n int) string {
	if n == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", n)
}
