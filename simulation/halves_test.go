package simulation_test

import (
	"math/rand/v2"
	"testing"

	"github.com/dynsvc/dynsvc/simulation"
)

// How much the ratio of TestColdStartsAgainstAFixedKeepAlive depends on which functions
// there are: twenty times, the 200 are split by chance, and each half is learnt from
// nothing. Rules are to be chosen by the first halves and reported of the second.
// Each takes a minute of a quiet machine, so it is a benchmark, to be asked for:
//
//	go test ./simulation -run '^$' -bench Halves -benchtime 1x
func BenchmarkHalves(b *testing.B) {
	real := azure(b)
	if real == nil {
		b.Fatal("the trace is not there")
	}
	const splits = 20
	for which, name := range []string{"first", "second"} {
		b.Run(name, func(b *testing.B) {
			var worst, sum float64
			for b.Loop() {
				worst, sum = 0, 0
				for split := range splits {
					part := half(real, rand.New(rand.NewPCG(uint64(split), 99)), which)
					fixed := replay(b, part, peer(b, "fixed:10m"), simulation.Options{})
					r, err := simulation.Within(part, ours(), simulation.Options{}, fixed.InstanceMinutes)
					if err != nil {
						b.Fatal(err)
					}
					ratio := float64(r.ColdStarts) / float64(fixed.ColdStarts)
					worst, sum = max(worst, ratio), sum+ratio
				}
			}
			b.ReportMetric(sum/splits, "mean")
			b.ReportMetric(worst, "worst")
		})
	}
}

// half is every second service of a trace, by chance.
func half(t *simulation.Trace, r *rand.Rand, which int) *simulation.Trace {
	h := *t
	h.Services = nil
	for at, i := range r.Perm(len(t.Services)) {
		if at%2 == which {
			h.Services = append(h.Services, t.Services[i])
		}
	}
	return &h
}
