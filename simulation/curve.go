package simulation

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Curve is what a kind of policy can do: cold starts against instance-minutes,
// from setting to setting.
type Curve struct {
	Name   string  `json:"name"`
	Points []Point `json:"points"` // from the least instance-minutes to the most
}

// Point is one setting of a policy.
type Point struct {
	Setting         string `json:"setting"`
	ColdStarts      int64  `json:"cold_starts"`
	InstanceMinutes int64  `json:"instance_minutes"`
	UpMinutes       int64  `json:"up_minutes"`
}

// All replays a trace under several policies at once. The results are in the
// order of the policies.
func All(ctx context.Context, t *Trace, policies []Policy, o Options) ([]*Result, error) {
	results := make([]*Result, len(policies))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range policies {
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			r, err := Replay(t, p, o)
			if err != nil {
				return fmt.Errorf("replay %s under %s: %w", t.Name, p.Name, err)
			}
			results[i] = r
			return nil
		})
	}
	return results, g.Wait()
}

// The settings that curves are drawn from.
var (
	fixedTimes   = []string{"2m", "3m", "5m", "7m", "10m", "15m", "20m", "30m", "45m", "1h", "90m", "2h", "3h", "4h", "6h", "8h", "12h"}
	hybridRanges = []string{"5m", "10m", "20m", "30m", "1h", "2h", "4h"}
)

// Curves are the trade-offs of dynsvc, of fixed keep-alives and of the hybrid
// histogram, on one trace.
func Curves(ctx context.Context, t *Trace, ours Policy) ([]Curve, error) {
	curves := []Curve{{Name: "dynsvc"}, {Name: "fixed"}, {Name: "hybrid"}}
	var policies []Policy
	var of []int // the curve of each policy
	var settings []string
	add := func(curve int, setting string, p Policy) {
		policies, of, settings = append(policies, p), append(of, curve), append(settings, setting)
	}
	for price := mostPrice; price > 0.0004; price /= math.Sqrt2 {
		p := ours
		p.Rules.Price = price
		add(0, fmt.Sprintf("price %.4f", price), p)
	}
	for i, list := range [][]string{fixedTimes, hybridRanges} {
		for _, setting := range list {
			p, err := Against(curves[i+1].Name+":"+setting, ours.Scale, ours.Rules)
			if err != nil {
				return nil, err
			}
			add(i+1, setting, p)
		}
	}
	results, err := All(ctx, t, policies, Options{})
	if err != nil {
		return nil, err
	}
	for i, r := range results {
		c := &curves[of[i]]
		c.Points = append(c.Points, Point{settings[i], r.ColdStarts, r.InstanceMinutes, r.UpMinutes})
	}
	return curves, nil
}

// At is the number of cold starts that a curve has at a number of
// instance-minutes, straight between its points. ok is false beyond them.
func (c *Curve) At(instanceMinutes int64) (coldStarts float64, ok bool) {
	for i := 1; i < len(c.Points); i++ {
		a, b := c.Points[i-1], c.Points[i]
		if a.InstanceMinutes <= instanceMinutes && instanceMinutes <= b.InstanceMinutes && a.InstanceMinutes < b.InstanceMinutes {
			part := float64(instanceMinutes-a.InstanceMinutes) / float64(b.InstanceMinutes-a.InstanceMinutes)
			return float64(a.ColdStarts) + part*float64(b.ColdStarts-a.ColdStarts), true
		}
	}
	return 0, false
}
