package scheduler

import (
	"fmt"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// Limits bound what services together may have. They are applied last, and to
// growth only: what runs is not stopped because a limit was lowered.
type Limits struct {
	Cluster Quota            // of all services
	Owners  map[string]Quota // by the first owner that a module names; "*" is for each who has none of their own
}

// Quota is an amount of instances and what they reserve. Zero is no limit.
type Quota struct {
	Instances int
	CPU       int // MHz
	Memory    int // MiB
	GPUs      int
}

// Size is what one instance reserves.
type Size struct {
	CPU    int // MHz
	Memory int // MiB
	GPUs   int
}

// SizeOf returns what an instance of a version reserves.
func SizeOf(r service.Resources) Size {
	s := Size{CPU: r.CPU, Memory: r.Memory}
	for _, g := range r.GPUs {
		s.GPUs += g.Count
	}
	return s
}

func (l *Limits) none() bool { return l.Cluster == Quota{} && len(l.Owners) == 0 }

func (l *Limits) of(owner string) Quota {
	if q, ok := l.Owners[owner]; ok {
		return q
	}
	return l.Owners["*"]
}

// budget is what is in use, to compare with the limits. A nil budget allows
// everything.
type budget struct {
	limits  *Limits
	cluster Quota
	owners  map[string]Quota
}

func newBudget(s *Snapshot) *budget {
	if s.Limits.none() {
		return nil
	}
	b := &budget{limits: &s.Limits, owners: map[string]Quota{}}
	for i := range s.Services {
		v := &s.Services[i]
		b.add(v, max(v.Count, v.Pending))
	}
	return b
}

func (b *budget) add(v *View, n int) {
	b.cluster = b.cluster.plus(v.Instance, n)
	b.owners[v.Owner] = b.owners[v.Owner].plus(v.Instance, n)
}

func (q Quota) plus(s Size, n int) Quota {
	return Quota{q.Instances + n, q.CPU + n*s.CPU, q.Memory + n*s.Memory, q.GPUs + n*s.GPUs}
}

// take notes a growth. What shrinks is in use until it is gone.
func (b *budget) take(v *View, to int) {
	if b != nil && to > v.Count {
		b.add(v, to-max(v.Count, v.Pending))
	}
}

// cap lowers a growth to what the limits leave.
func (b *budget) cap(a *ask, v *verdict) {
	if b == nil || v.count <= a.Count {
		return
	}
	for _, limit := range []struct {
		rule        string
		quota, used Quota
	}{
		{"quota", b.limits.of(a.Owner), b.owners[a.Owner]},
		{"ceiling", b.limits.Cluster, b.cluster},
	} {
		fits, what := limit.quota.fits(limit.used, a.Instance, v.count-a.Count)
		if fits += a.Count; fits >= v.count {
			continue
		}
		how := ""
		if a.tell {
			how = "the cluster's ceiling of " + what
			if limit.rule == "quota" {
				how = fmt.Sprintf("the quota of %s, %s,", a.Owner, what)
			}
			how += " leaves no more"
			v.reason = fmt.Sprintf("%s, but %s: %s", v.reason, how, instances(fits))
		}
		v.to(a, fits, limit.rule, how)
	}
}

// fits returns how many of n further instances there is room for, and which
// limit is in the way.
func (q Quota) fits(used Quota, s Size, n int) (room int, what string) {
	room = n
	for _, d := range []struct {
		limit, used, each int
		unit              string
	}{
		{q.Instances, used.Instances, 1, "instances"}, {q.CPU, used.CPU, s.CPU, "MHz"},
		{q.Memory, used.Memory, s.Memory, "MiB"}, {q.GPUs, used.GPUs, s.GPUs, "GPUs"},
	} {
		if d.limit <= 0 || d.each <= 0 {
			continue
		}
		if left := max(0, (d.limit-d.used)/d.each); left < room {
			unit := d.unit
			if d.limit == 1 {
				unit = strings.TrimSuffix(unit, "s")
			}
			room, what = left, fmt.Sprintf("%d %s (%d in use)", d.limit, unit, d.used)
		}
	}
	return room, what
}
