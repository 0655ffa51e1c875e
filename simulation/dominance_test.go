//go:build !race

package simulation_test

import (
	"math"
	"testing"

	"github.com/dynsvc/dynsvc/simulation"
)

// With habits to learn, our cold starts are fewer at every budget that fixed
// keep-alives of up to twelve hours and the hybrid policy use. Where calls come by
// pure chance there is nothing to learn but how often, and a day of some services
// does not tell that well: there the best fixed time is as good, and chance decides
// who is ahead by some percent. The many replays are of one goroutine each, and
// scripts/test makes them without the race detector.
func TestTheTradeOffDominates(t *testing.T) {
	type try struct {
		name  string
		trace *simulation.Trace
		most  float64 // of the others' cold starts, at each budget
	}
	tries := []try{
		{"mixed", generated(t, "mixed,services=60"), 1},
		{"cron", generated(t, "cron,services=60"), 1},
		{"diurnal", generated(t, "diurnal,services=60"), 1},
		{"steady", generated(t, "steady,services=60"), 1.06},
		{"bursty", generated(t, "bursty,services=60"), 1.10},
		{"rare", generated(t, "rare,services=60"), 1.13},
	}
	if real := azure(t); real != nil {
		tries = append(tries, try{"azure", real, 1})
	}
	for _, tt := range tries {
		t.Run(tt.name, func(t *testing.T) {
			curves, err := simulation.Curves(t.Context(), tt.trace, ours())
			if err != nil {
				t.Fatal(err)
			}
			worst, sum, n := 0.0, 0.0, 0
			for _, c := range curves[1:] {
				for _, p := range c.Points {
					mine, ok := curves[0].At(p.InstanceMinutes)
					if !ok {
						continue
					}
					share := mine / float64(p.ColdStarts)
					worst, sum, n = max(worst, share), sum+math.Log(share), n+1
					if mine > tt.most*float64(p.ColdStarts)+2 { // of a few dozen, two are chance
						t.Errorf("%s %s has %d cold starts at %d instance-minutes, ours %.1f", c.Name, p.Setting, p.ColdStarts, p.InstanceMinutes, mine)
					}
				}
			}
			t.Logf("at worst %.3f of the others' cold starts, %.3f in the mean of %d budgets", worst, math.Exp(sum/float64(n)), n)
			if n < 12 {
				t.Errorf("only %d budgets were compared", n)
			}
		})
	}
}

// Where calls come by pure chance, the best of many fixed times is known only
// afterwards, and on a day of some services chance decides it: even who was told what
// the calls are drawn from is behind it by some percent. So we are held to that one,
// who has nothing to learn but how often each service is called.
func TestOnPureChanceLittleIsLostByLearning(t *testing.T) {
	for _, tt := range []struct {
		pattern   string
		low, high float64 // calls a minute, as the generator draws them
		scales    bool
		most      float64 // of the told one's cold starts, in the mean over budgets
	}{
		{"steady", 1.0 / 300, 1, true, 1.06},
		{"rare", 1.0 / (24 * 60), 10.0 / (24 * 60), false, 1.03},
	} {
		t.Run(tt.pattern, func(t *testing.T) {
			trace := generated(t, tt.pattern+",services=120,seed=2")
			var policies []simulation.Policy
			for price := 0.5; price > 0.0005; price /= 2 {
				p := ours()
				p.Rules.Price = price
				policies = append(policies, p, simulation.Told(price, tt.low, tt.high, tt.scales))
			}
			for _, fixed := range []string{"5m", "10m", "20m", "45m", "90m", "2h", "3h", "4h", "6h", "8h", "12h"} {
				policies = append(policies, peer(t, "fixed:"+fixed))
			}
			results, err := simulation.All(t.Context(), trace, policies, simulation.Options{})
			if err != nil {
				t.Fatal(err)
			}
			curves := map[string]*simulation.Curve{"dynsvc": {}, "told": {}}
			var fixed []*simulation.Result
			for _, r := range results {
				c, ok := curves[r.Name]
				if !ok {
					fixed = append(fixed, r)
					continue
				}
				c.Points = append(c.Points, simulation.Point{ColdStarts: r.ColdStarts, InstanceMinutes: r.InstanceMinutes})
			}
			var lost, behind, n float64
			for _, f := range fixed {
				mine, ok := curves["dynsvc"].At(f.InstanceMinutes)
				best, known := curves["told"].At(f.InstanceMinutes)
				if ok && known {
					lost, behind, n = lost+math.Log(mine/best), max(behind, best/float64(f.ColdStarts)), n+1
				}
			}
			mean := math.Exp(lost / n)
			t.Logf("%.3f of the cold starts of who was told, in the mean of %.0f budgets; that one has at worst %.3f of a fixed time's", mean, n, behind)
			if mean > tt.most || n < 6 {
				t.Errorf("%.3f of the cold starts of who was told, in the mean of %.0f budgets, want at most %.2f and 6 budgets", mean, n, tt.most)
			}
		})
	}
}
