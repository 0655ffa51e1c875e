package server

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// The last day of a service, drawn in steps. Lengths are units of the drawing.
const (
	chartSpan  = 24 * time.Hour
	chartStep  = 15 * time.Minute
	chartWide  = 960.0
	chartHigh  = 70.0 // of one panel
	chartBelow = 30.0 // between panels, for the next one's title
	markWide   = 32.0 // of an hour under them
	// chartDecisions is how many decisions of the day are read at most: one a
	// minute.
	chartDecisions = 1440
)

// chart is a drawing of a service's count, calls and cold starts over the last
// day. The page draws it as SVG, with no script and nothing from elsewhere.
type chart struct {
	Panels []panel
	Marks  []mark
	Wide   float64
	High   float64
	Until  time.Time
}

// panel is one quantity over time.
type panel struct {
	Name   string // a CSS class
	Title  string
	Top    float64
	Bottom float64
	Line   string // points of a polyline
	Bars   []bar
}

type bar struct {
	X, Y, Width, Height float64
	Title               string
}

// mark is a time below the panels.
type mark struct {
	X    float64
	Text string
}

// chart reads the last day of a service. count is what it has now.
func (a *api) chart(ctx context.Context, id service.ID, count int, now time.Time) (*chart, error) {
	since := now.Add(-chartSpan).Truncate(chartStep)
	samples, err := a.Store.Usage(ctx, store.UsageQuery{Services: []service.ID{id}, Since: since, Until: now, Step: chartStep})
	if err != nil {
		return nil, err
	}
	decisions, err := a.Store.Decisions(ctx, id, 0, chartDecisions)
	if err != nil {
		return nil, err
	}
	return draw(samples, decisions, count, since, now), nil
}

func draw(samples []service.Sample, decisions []service.Decision, count int, since, now time.Time) *chart {
	c := &chart{Wide: chartWide, High: 3 * (chartHigh + chartBelow), Until: now}
	x := func(t time.Time) float64 {
		return round(chartWide * float64(t.Sub(since)) / float64(now.Sub(since)))
	}
	c.Panels = []panel{
		counts(decisions, count, since, x),
		bars("calls", "Calls", samples, x, func(s *service.Sample) int64 { return s.Calls }),
		bars("cold", "Cold starts", samples, x, func(s *service.Sample) int64 { return s.ColdStarts }),
	}
	for i := range c.Panels {
		p := &c.Panels[i]
		p.Top = float64(i)*(chartHigh+chartBelow) + chartBelow/2
		p.Bottom = p.Top + chartHigh
	}
	const apart = 3 * time.Hour
	for t := since.Truncate(apart).Add(apart); t.Before(now); t = t.Add(apart) {
		if at := x(t); at > markWide/2 && at < chartWide-markWide/2 { // one at the edge would be cut off
			c.Marks = append(c.Marks, mark{at, t.UTC().Format("15:04")})
		}
	}
	return c
}

// counts is the line of the count: what decisions that were applied, the newest
// first, made of it.
func counts(decisions []service.Decision, now int, since time.Time, x func(time.Time) float64) panel {
	type step struct {
		x     float64
		count int
	}
	steps := []step{{chartWide, now}} // from the right to the left
	most, at := max(now, 1), now
	for _, d := range decisions {
		if d.Outcome != "applied" || d.At.Before(since) {
			continue
		}
		steps = append(steps, step{x(d.At), at}, step{x(d.At), d.From})
		at, most = d.From, max(most, d.From, d.To)
	}
	steps = append(steps, step{0, at})
	slices.Reverse(steps)
	var line strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&line, "%g,%g ", s.x, round(chartHigh*(1-float64(s.count)/float64(most))))
	}
	return panel{Name: "count", Title: fmt.Sprintf("Count, at most %d", most), Line: strings.TrimSpace(line.String())}
}

func bars(name, title string, samples []service.Sample, x func(time.Time) float64, of func(*service.Sample) int64) panel {
	p := panel{Name: name}
	most, all := int64(1), int64(0)
	for i := range samples {
		n := of(&samples[i])
		most, all = max(most, n), all+n
	}
	p.Title = fmt.Sprintf("%s in %d min, at most %d, altogether %d", title, int(chartStep.Minutes()), min(most, all), all)
	for i := range samples {
		s := &samples[i]
		n := of(s)
		if n == 0 {
			continue
		}
		left := max(0, x(s.Start))
		high := round(chartHigh * float64(n) / float64(most))
		p.Bars = append(p.Bars, bar{
			X: left, Y: round(chartHigh - high), Width: max(2, round(min(chartWide, x(s.Start.Add(chartStep)))-left-1)), Height: high,
			Title: s.Start.UTC().Format("15:04 ") + strconv.FormatInt(n, 10),
		})
	}
	return p
}

// round keeps drawings short: a tenth of a unit cannot be seen.
func round(x float64) float64 { return float64(int(x*10+0.5)) / 10 }
