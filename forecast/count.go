package forecast

import "math"

// cell counts minutes, and those of them that had calls.
type cell struct{ N, K float32 }

// cellMost is how many minutes a cell remembers; older ones fade.
const cellMost = 4000

func (c *cell) add(called bool) {
	if c.N >= cellMost {
		fade := float32(cellMost) / (c.N + 1)
		c.N *= fade
		c.K *= fade
	}
	c.N++
	if called {
		c.K++
	}
}

// share is the share of the cell's minutes that had calls, shrunk towards a prior
// that weighs as much as the minutes in which it expects half a call. Where calls
// are rare, one that happened to come says little of the minute it came in.
func (c *cell) share(prior float64) float64 {
	weight := shrink + 0.5/prior
	return (float64(c.K) + weight*prior) / (float64(c.N) + weight)
}

// shrink is the least weight of a prior, in minutes.
const shrink = 4

// share is the share k of n minutes that had calls, shrunk towards a prior: the
// mean of a beta posterior.
func share(k, n, prior float64) float64 { return (k + shrink*prior) / (n + shrink) }

// stretch is the logit: on its scale evidence adds up.
func stretch(p float64) float64 {
	p = min(max(p, 1e-5), 1-1e-5)
	return math.Log(p / (1 - p))
}

func squash(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// The scales that idle times are compared on.
const (
	steps     = 23  // coarse: two a doubling
	fineSteps = 101 // each minute of the first hour, then eight a doubling
)

// coarse and fine give the steps of idle times up to dormant.
var coarse, fine = func() (c, f [dormant + 1]uint8) {
	for i := 1; i <= dormant; i++ {
		c[i] = uint8(1 + 2*math.Log2(float64(i)))
		f[i] = uint8(min(i, 64))
		if i > 64 {
			f[i] = uint8(64 + 8*math.Log2(float64(i)/64))
		}
	}
	return c, f
}()
