package simulation

import (
	"fmt"
	"math"
)

// odds counts minutes by what their hazard would have paid for: the price below
// which the service was warm in them.
type odds struct {
	idle, called [oddsBins]int64
}

// oddsBins are 256 a doubling, from leastPrice to 1: the upper bits of a
// float32, which are in order.
const (
	leastPrice = 1.0 / (1 << 16)
	oddsBins   = 16*256 + 1
)

func oddsBin(price float64) int {
	p := float32(min(max(price, leastPrice), 1))
	return int(math.Float32bits(p)-math.Float32bits(leastPrice)) >> 15
}

func oddsPrice(bin int) float64 {
	return float64(math.Float32frombits(uint32(bin)<<15 + math.Float32bits(leastPrice)))
}

func (o *odds) add(price float64, called bool) {
	if called {
		o.called[oddsBin(price)]++
	} else {
		o.idle[oddsBin(price)]++
	}
}

// move returns the price at which instance-minutes would be more by so many than
// at another price, if nothing but the price mattered: a minute without calls
// that is warm costs one, and one with calls that is cold about one more start.
func (o *odds) move(price float64, more int64) float64 {
	bin, sum := oddsBin(price), int64(0)
	for ; more > 0 && bin > 0 && sum+o.idle[bin-1]-o.called[bin-1] <= more; bin-- {
		sum += o.idle[bin-1] - o.called[bin-1]
	}
	for ; more < 0 && bin < oddsBins-1 && sum > more; bin++ {
		sum -= o.idle[bin] - o.called[bin]
	}
	return oddsPrice(bin)
}

// mostPrice is what a cold start costs: nobody would pay more to save it.
const mostPrice = 1.0

// budgetReplays is how many replays a budget is looked for in.
const budgetReplays = 12

// Within finds the price at which a policy that learns stays within a budget of
// instance-minutes, and comes near it.
func Within(t *Trace, p Policy, o Options, budget int64) (*Result, error) {
	low, high := leastPrice, mostPrice // too much is spent at low, and not too much at high
	var best *Result
	price := min(p.Rules.Price, mostPrice)
	for range budgetReplays {
		p.Rules.Price = price
		r, err := Replay(t, p, o)
		if err != nil {
			return nil, err
		}
		left := budget - r.InstanceMinutes
		if left >= 0 {
			high = min(high, price)
			if best == nil || r.InstanceMinutes > best.InstanceMinutes {
				best = r
			}
			if float64(left) <= float64(budget)/2000 || price <= leastPrice {
				break
			}
		} else {
			low = max(low, price)
			if price >= mostPrice {
				return nil, unmet(budget, r)
			}
		}
		if price = r.odds.move(price, left); price <= low && low > leastPrice || price >= high {
			price = math.Sqrt(low * high)
		}
		price = min(price, mostPrice)
	}
	if best != nil {
		return best, nil
	}
	p.Rules.Price = mostPrice
	r, err := Replay(t, p, o)
	if err == nil && r.InstanceMinutes > budget {
		err = unmet(budget, r)
	}
	return r, err
}

func unmet(budget int64, r *Result) error {
	return fmt.Errorf("a budget of %d instance-minutes cannot be met: with hardly an idle minute it is %d", budget, r.InstanceMinutes)
}
