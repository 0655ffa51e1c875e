package server

import (
	"context"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// usageSpan is how far back a service's usage reaches.
const usageSpan = time.Hour

// Usage is what a service was used for in the last hour. It is up to ten seconds
// behind.
type Usage struct {
	Calls      int64            `json:"calls"`
	Errors     int64            `json:"errors" doc:"calls answered with 5xx or not at all"`
	ColdStarts int64            `json:"cold_starts" doc:"calls that woke the service"`
	Latency    service.Duration `json:"latency" doc:"mean, waiting for an instance included"`
	LatencyMax service.Duration `json:"latency_max"`
}

// usage adds up the samples of the last hour.
func (a *api) usage(ctx context.Context, id service.ID, now time.Time) (u Usage, err error) {
	samples, err := a.Store.Usage(ctx, store.UsageQuery{Services: []service.ID{id}, Since: now.Add(-usageSpan), Until: now})
	if err != nil || len(samples) == 0 {
		return u, err
	}
	s := &samples[0]
	u = Usage{Calls: s.Calls, Errors: s.Errors, ColdStarts: s.ColdStarts, LatencyMax: service.Duration{Duration: s.LatencyMax}}
	if u.Calls > 0 {
		u.Latency.Duration = s.Latency / time.Duration(u.Calls)
	}
	return u, nil
}
