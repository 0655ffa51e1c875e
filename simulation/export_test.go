package simulation

import (
	"math"

	"github.com/dynsvc/dynsvc/scheduler"
)

// Told is a policy for services that are called by pure chance, which was told that
// they are and what their calls in a minute are drawn from: between low and high,
// evenly or, for scales, evenly by their logarithm. Its hazard is the mean of what
// they can be after what was seen, by Bayes' rule: nobody who does not see ahead can
// know more. It keeps an instance while that is above the price.
func Told(price, low, high float64, scales bool) Policy {
	scale, rules := Alone()
	rules.Price = 0
	return Policy{Name: "told", Scale: scale, Rules: rules, peer: func(services int) peer {
		t := &told{price: price, seen: make([]exposure, services)}
		for i := range t.hit {
			x := (float64(i) + 0.5) / float64(len(t.hit))
			rate := low + (high-low)*x
			if scales {
				rate = low * math.Pow(high/low, x)
			}
			t.hit[i] = math.Log(1 - math.Exp(-rate))
			t.miss[i] = -rate
		}
		return t
	}}
}

type told struct {
	price     float64
	hit, miss [40]float64 // logarithms of how likely a minute has calls, and has none
	seen      []exposure
}

// exposure is the minutes since a service's first call, until its last.
type exposure struct{ called, all float64 }

func (t *told) count(service int, _ *scheduler.View, age int) int {
	s := t.seen[service]
	idle := s.all - s.called + float64(age-1)
	most := math.Inf(-1)
	var like [len(t.hit)]float64
	for i := range like {
		like[i] = s.called*t.hit[i] + idle*t.miss[i]
		most = max(most, like[i])
	}
	var sum, hazard float64
	for i := range like {
		weight := math.Exp(like[i] - most)
		sum += weight
		hazard += weight * math.Exp(t.hit[i])
	}
	if hazard > t.price*sum {
		return 1
	}
	return 0
}

func (t *told) called(service, age int) {
	if age > 0 {
		t.seen[service].called++
		t.seen[service].all += float64(age)
	}
}
