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
