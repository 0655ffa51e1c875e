package simulation

import (
	"math"
	"math/rand/v2"
)

// fleet is how gen:fleet is made up. The parts are about those of the kinds that
// the 200 functions of Azure's sample fall into, counted by how many minutes had
// calls and how regular the times between them were: a fifth called once or twice a
// day, a quarter timers, a tenth called in nearly each minute, a tenth by chance,
// and a good third in bursts. No rule is chosen on it: it is a test of one that was
// chosen on others.
var fleet = []struct {
	name string
	part float64 // of all services
	of   pattern
}{
	{"few", 0.18, few},
	{"timer", 0.18, timer},
	{"busy", 0.10, busy},
	{"chance", 0.10, chance},
	{"office", 0.14, office},
	{"sessions", 0.22, patterns["bursty"]},
	{"storms", 0.08, storms},
}

// ofFleet chooses what a service of the fleet is like. One in six is deployed
// after the trace begins, or goes before it ends.
func ofFleet(r *rand.Rand) (name string, p pattern) {
	x, at := r.Float64(), 0
	for x -= fleet[0].part; x > 0 && at < len(fleet)-1; x -= fleet[at].part {
		at++
	}
	kind := fleet[at]
	if r.IntN(6) > 0 {
		return kind.name, kind.of
	}
	return kind.name, func(r *rand.Rand, minutes int) (func(int) float64, bool) {
		begin, end := r.IntN(minutes), minutes
		if r.IntN(2) == 0 {
			begin, end = 0, begin
		}
		rate, exact := kind.of(r, minutes)
		return func(t int) float64 {
			if t < begin || t >= end {
				return 0
			}
			return rate(t)
		}, exact
	}
}

// few is a call or two, then none for days.
func few(r *rand.Rand, _ int) (func(int) float64, bool) {
	rate := 3 * r.Float64() / minutesOfDay
	return func(int) float64 { return rate }, false
}

// timer is called by a clock; one in three clocks is at times some minutes late, and
// one in four is not the only one who calls.
func timer(r *rand.Rand, minutes int) (func(int) float64, bool) {
	n := []int{1, 1, 1, 1, 2, 5, 5, 5, 5, 10, 15, 15, 15, 20, 30, 30, 60, 60, 240, minutesOfDay}[r.IntN(20)]
	late, others := 0.0, 0.0
	if r.IntN(3) == 0 {
		late = 0.3 * r.Float64()
	}
	if r.IntN(4) == 0 {
		others = math.Pow(minutesOfDay, -r.Float64())
	}
	due := make([]float64, minutes+4)
	for t := r.IntN(n); t < minutes; t += n {
		at := t
		if r.Float64() < late {
			at += 1 + r.IntN(3)
		}
		due[at] = 1
	}
	for t := range minutes {
		if r.Float64() < others {
			due[t]++
		}
	}
	return func(t int) float64 { return due[t] }, true
}

// busy is called in nearly each minute.
func busy(r *rand.Rand, _ int) (func(int) float64, bool) {
	rate := 2 + 20*r.Float64()
	return func(int) float64 { return rate }, false
}

// chance is from one call a minute to one in half a day.
func chance(r *rand.Rand, _ int) (func(int) float64, bool) {
	rate := math.Pow(minutesOfDay/2, -r.Float64())
	return func(int) float64 { return rate }, false
}

// office is called by people, from Monday to Friday more than at the weekend, and
// some at night.
func office(r *rand.Rand, _ int) (func(int) float64, bool) {
	peak, shift, night, weekend := 2*math.Pow(200, -r.Float64()), r.Float64()*360, 0.3*r.Float64(), r.Float64()
	return func(t int) float64 {
		rate := peak * (night + (1-night)*math.Pow(max(0, math.Sin((float64(t)-6*60-shift)/minutesOfDay*2*math.Pi)), 2))
		if t/minutesOfDay%7 >= 5 {
			rate *= weekend
		}
		return rate
	}, false
}

// storms are bursts whose pauses and lengths are from minutes to days.
func storms(r *rand.Rand, minutes int) (func(int) float64, bool) {
	pause, length, inside := math.Exp(3+2*r.Float64()), math.Exp(2*r.Float64()), 0.5+5*r.Float64()
	on := make([]bool, minutes)
	for t := 0; t < minutes; {
		t += 1 + int(pause*math.Exp(1.3*r.NormFloat64()))
		end := t + 1 + int(length*math.Exp(r.NormFloat64()))
		for ; t < min(end, minutes); t++ {
			on[t] = true
		}
	}
	return func(t int) float64 {
		if on[t] {
			return inside
		}
		return 0
	}, false
}
