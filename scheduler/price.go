package scheduler

import "github.com/dynsvc/dynsvc/service"

// horizon is how many minutes are looked ahead for what a start is worth. A start
// costs about as much as an idle minute, so what comes later hardly matters.
const horizon = 4

// pays reports whether an instance in the first of some minutes pays, by the
// hazards of these minutes. It is the first step of the cheapest plan for all of
// them, found backwards (Bellman): without a call so far, and price a minute,
//
//	up(k)   = min(stay(k), down(k))             the cost from minute k on, with an instance
//	down(k) = min(start + stay(k), miss(k))     and without
//	stay(k) = (1 - hazard(k)) × (price + up(k+1))
//	miss(k) = hazard(k) × (1 + start) + (1 - hazard(k)) × down(k+1)
//
// After a call all plans are in the same place, so it ends them. A minute with a
// call has its instance in any case, and costs nothing more.
func pays(hazards []float64, price, start float64, up bool) (pay bool) {
	var withOne, without float64
	for k := len(hazards) - 1; k >= 0; k-- {
		h := hazards[k]
		stay, miss := (1-h)*(price+withOne), h*(1+start)+(1-h)*without
		if pay = start+stay < miss; up {
			pay = stay < miss
		}
		without = min(start+stay, miss)
		withOne = min(stay, without)
	}
	return pay
}

// plain reports whether the hazard of the minute alone says what pays, as it
// mostly does: above the price an instance that is there stays, and far below it
// none is started.
func plain(hazard, price float64, up bool) bool {
	if up {
		return hazard > price
	}
	return hazard < price/2
}

// PriceOf is what an idle minute of a service with instances of this size costs:
// the price for the usual memory, and in proportion for more or less. 0: its
// habits are not acted upon.
func (r *Rules) PriceOf(scale *service.Scale, size Size) float64 {
	price := r.Price
	if scale.IdlePrice != nil {
		price = *scale.IdlePrice
	}
	if r.UsualMemory <= 0 || size.Memory <= 0 {
		return price
	}
	return price * min(max(float64(size.Memory)/float64(r.UsualMemory), 1.0/8), 8)
}
