package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

// look is the counts of the services at one moment, as Nomad has them.
type look struct {
	phase  int
	counts [3]int // as in soak.versions
}

// watch looks at the counts every second until ctx ends.
func (s *soak) watch(ctx context.Context) {
	for pause(ctx, time.Second) {
		l := look{phase: int(s.phase.Load())}
		for i, id := range s.versions {
			job, _, err := s.servers.Nomad.Jobs().Info(string(id), (&nomad.QueryOptions{AllowStale: true}).WithContext(ctx))
			if err != nil {
				break // looked at again in a second
			}
			l.counts[i] = *job.TaskGroups[0].Count
		}
		s.looks = append(s.looks, l)
	}
}

// span is the least and the most count of a version in a phase.
func (s *soak) span(phase, version int) string {
	var seen []int
	for _, l := range s.looks {
		if l.phase == phase {
			seen = append(seen, l.counts[version])
		}
	}
	switch {
	case len(seen) == 0:
		return "-"
	case slices.Min(seen) == slices.Max(seen):
		return fmt.Sprint(seen[0])
	}
	return fmt.Sprintf("%d–%d", slices.Min(seen), slices.Max(seen))
}

// steps counts how often a count was raised above one, lowered to one or more, and
// lowered to zero.
func (s *soak) steps() (out, in, zero int) {
	for i := 1; i < len(s.looks); i++ {
		for v := range s.versions {
			switch was, is := s.looks[i-1].counts[v], s.looks[i].counts[v]; {
			case is > was && is > 1:
				out++
			case is < was && is > 0:
				in++
			case is < was:
				zero++
			}
		}
	}
	return out, in, zero
}
