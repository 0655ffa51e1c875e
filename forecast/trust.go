package forecast

import "math"

// The voices that a hazard is the average of: the experts, and their mix.
const (
	mixed  = experts
	voices = experts + 1
)

// trust is how far one service's voices are believed: how much less likely than
// for the best of them what happened was to each, as a logarithm. Older minutes
// fade.
//
// Averaging by it is Bayes' rule, so what the average costs to code is at most
// log(voices) more than the voice that is best for the service, with no rate to
// choose; the mix is better than all of them where each knows something, and worse
// where most of what they say is chance.
type trust [voices]float32

const (
	trustFade  = 0.001
	trustLeast = -8  // so that a voice can be heard again
	mixedFirst = 0.5 // by how much the mix is believed more than an expert at first
)

// average is the hazard.
func (t *trust) average(of *[voices]float64) float64 {
	var sum, p float64
	for i, said := range of {
		weight := float64(t[i])
		if i != mixed {
			weight -= mixedFirst
		}
		weight = math.Exp(weight)
		sum += weight
		p += weight * said
	}
	return p / sum
}

func (t *trust) learn(of *[voices]float64, called bool) {
	best := float32(math.Inf(-1))
	for i, p := range of {
		if !called {
			p = 1 - p
		}
		t[i] = t[i]*(1-trustFade) + float32(math.Log(p))
		best = max(best, t[i])
	}
	for i := range t {
		t[i] = max(t[i]-best, trustLeast)
	}
}
