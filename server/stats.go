package server

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// Stats is the usage of a module over some time.
type Stats struct {
	Module  string        `json:"module"`
	Since   time.Time     `json:"since"`
	Until   time.Time     `json:"until"`
	Total   Figures       `json:"total"`
	Methods []MethodStats `json:"methods" doc:"most called first"`
	Series  []Point       `json:"series,omitempty" doc:"in order of time; buckets without usage and instances are left out"`

	Instances []VersionInstances `json:"instances" doc:"what the instances used of their nodes and how Consul found them, version by version"`
}

// MethodStats is the usage of one method of one version.
type MethodStats struct {
	Method  string     `json:"method" doc:"empty: not a typed call"`
	Version string     `json:"version"`
	Service service.ID `json:"service"`
	Figures
}

// Point is the usage of a module in one step.
type Point struct {
	Start time.Time `json:"start"`
	Figures
	Instances *Instances `json:"instances,omitempty" doc:"of all versions; absent: there were none"`
}

// Figures are what people want to know of usage.
type Figures struct {
	Calls      int64            `json:"calls"`
	Errors     int64            `json:"errors" doc:"calls answered with 5xx or not at all"`
	Failed     service.Endings  `json:"failed" doc:"calls that did not end well, by how they ended"`
	ColdStarts int64            `json:"cold_starts" doc:"calls that woke the service"`
	Callers    int64            `json:"callers" doc:"distinct ones; above 255 to within 6 %"`
	InFlight   int              `json:"in_flight_peak"`
	Queue      int              `json:"queue_peak"`
	Mean       service.Duration `json:"mean" doc:"latency, waiting for an instance included"`
	P50        service.Duration `json:"p50"`
	P95        service.Duration `json:"p95"`
	P99        service.Duration `json:"p99"`
	Max        service.Duration `json:"max"`
	Waited     service.Duration `json:"waited" doc:"time in the queue, on average over all calls"`
	BytesIn    int64            `json:"bytes_in"`
	BytesOut   int64            `json:"bytes_out"`
}

func figures(s *service.Sample) Figures {
	f := Figures{Calls: s.Calls, Errors: s.Errors, Failed: s.Failed, ColdStarts: s.ColdStarts, Callers: s.Callers.Count(),
		InFlight: s.InFlightPeak, Queue: s.QueuePeak, BytesIn: s.BytesIn, BytesOut: s.BytesOut}
	f.Max.Duration = s.LatencyMax
	if s.Calls > 0 {
		f.Mean.Duration, f.Waited.Duration = s.Latency/time.Duration(s.Calls), s.Waited/time.Duration(s.Calls)
	}
	for _, q := range []struct {
		to   *service.Duration
		part float64
	}{{&f.P50, 0.50}, {&f.P95, 0.95}, {&f.P99, 0.99}} {
		// The middle of a bin may lie above the largest value in it.
		q.to.Duration = min(s.Latencies.Quantile(q.part), s.LatencyMax)
	}
	return f
}

// mostPoints bounds how many steps an answer has.
const mostPoints = 10_000

type statsQuery struct {
	ModuleRef
	Version string    `query:"version" doc:"tag, semver, range, commit prefix or service id; empty: all versions"`
	For     string    `query:"for" default:"24h" doc:"how far back from until, e.g. 1h or 720h"`
	Until   time.Time `query:"until" doc:"default: now"`
	Step    string    `query:"step" doc:"width of the steps of a series, e.g. 1m, 1h or 24h; empty: no series"`

	Instances bool `query:"instances" doc:"each instance for itself, as long as usage in the narrowest buckets is kept"`

	span time.Duration // of For
	step time.Duration // of Step
}

func (q *statsQuery) read() error {
	var err error
	if q.span, err = time.ParseDuration(q.For); err != nil || q.span <= 0 {
		return service.Errorf(service.ErrInvalid, "for must be a duration such as 24h, not %q", q.For)
	}
	if q.Step != "" {
		if q.step, err = time.ParseDuration(q.Step); err != nil || q.step < time.Second {
			return service.Errorf(service.ErrInvalid, "step must be a duration of a second or more such as 1h, not %q", q.Step)
		}
		if q.span/q.step > mostPoints {
			return service.Errorf(service.ErrInvalid, "%s in steps of %s are more than %d: ask for wider steps", q.For, q.Step, mostPoints)
		}
	}
	if q.Until.IsZero() {
		q.Until = time.Now()
	}
	q.Until = q.Until.UTC().Truncate(time.Millisecond)
	return nil
}

func (a *api) stats() {
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "get-stats", Method: http.MethodGet, Path: "/api/v1/modules/{module}/stats",
		Summary: "Calls, errors, latency percentiles, cold starts and callers of a module over some time, and what its instances used",
	}), a.moduleStats)
}

func (a *api) moduleStats(ctx context.Context, in *statsQuery) (*body[Stats], error) {
	if err := in.read(); err != nil {
		return nil, err
	}
	m, err := a.Store.Module(ctx, in.Module)
	if err != nil {
		return nil, err
	}
	if err := m.MayChange(service.CallerOf(ctx)); err != nil {
		return nil, err
	}
	versions := m.Versions
	if in.Version != "" {
		v, err := service.Resolve(m, in.Version)
		if err != nil {
			return nil, err
		}
		versions = []service.Version{v}
	}
	q := store.UsageQuery{Since: in.Until.Add(-in.span), Until: in.Until, Methods: true}
	semver := map[service.ID]string{}
	for _, v := range versions {
		q.Services = append(q.Services, v.ID)
		semver[v.ID] = v.Version
	}
	samples, err := a.Store.Usage(ctx, q)
	if err != nil {
		return nil, err
	}
	st := Stats{Module: m.Name, Since: q.Since, Until: q.Until, Methods: []MethodStats{}}
	var total service.Sample
	for i := range samples {
		s := &samples[i]
		total.Add(s)
		st.Methods = append(st.Methods, MethodStats{Method: s.Method, Version: semver[s.Service], Service: s.Service, Figures: figures(s)})
	}
	slices.SortStableFunc(st.Methods, func(x, y MethodStats) int { return cmp.Compare(y.Calls, x.Calls) })
	st.Total = figures(&total)
	if in.step > 0 {
		q.Step, q.Methods = in.step, false
		if samples, err = a.Store.Usage(ctx, q); err != nil {
			return nil, err
		}
		st.Series = series(samples)
	}
	if err := a.addInstances(ctx, &st, in, versions); err != nil {
		return nil, err
	}
	return &body[Stats]{st}, nil
}

// series adds up the versions in each step. The samples are in order of time.
func series(samples []service.Sample) []Point {
	points := []Point{}
	for len(samples) > 0 {
		var sum service.Sample
		start := samples[0].Start
		for len(samples) > 0 && samples[0].Start.Equal(start) {
			sum.Add(&samples[0])
			samples = samples[1:]
		}
		points = append(points, Point{Start: start, Figures: figures(&sum)})
	}
	return points
}
