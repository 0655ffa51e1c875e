package simulation

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pattern makes the calls of one service: how many are expected in each minute.
type pattern func(r *rand.Rand, minutes int) (rate func(minute int) float64, exact bool)

// patterns are the generators by name.
var patterns = map[string]pattern{
	// Calls at random, from one a minute to one in five hours.
	"steady": func(r *rand.Rand, _ int) (func(int) float64, bool) {
		rate := math.Pow(300, -r.Float64())
		return func(int) float64 { return rate }, false
	},
	// A clock calls every n minutes; one in five clocks is at times a minute late.
	"cron": func(r *rand.Rand, minutes int) (func(int) float64, bool) {
		n := []int{2, 5, 10, 15, 20, 30, 60, 90, 120, 180}[r.IntN(10)]
		phase, late := r.IntN(n), 0.0
		if r.IntN(5) == 0 {
			late = 0.2
		}
		due := map[int]bool{}
		for t := phase; t < minutes; t += n {
			at := t
			if r.Float64() < late {
				at++
			}
			due[at] = true
		}
		return func(t int) float64 {
			if due[t] {
				return 1
			}
			return 0
		}, true
	},
	// Sessions of some minutes with long pauses between them.
	"bursty": func(r *rand.Rand, minutes int) (func(int) float64, bool) {
		pause, length, inside := 30+r.Float64()*400, 3+r.Float64()*25, 0.3+r.Float64()*3
		on := make([]bool, minutes)
		for t := int(r.ExpFloat64() * pause); t < minutes; t += 1 + int(r.ExpFloat64()*pause) {
			for end := t + 1 + int(r.ExpFloat64()*length); t < min(end, minutes); t++ {
				on[t] = true
			}
		}
		return func(t int) float64 {
			if on[t] {
				return inside
			}
			return 0
		}, false
	},
	// Calls at random that follow the hours of an office.
	"diurnal": func(r *rand.Rand, _ int) (func(int) float64, bool) {
		peak, shift := math.Pow(60, -r.Float64()), r.Float64()*120
		return func(t int) float64 {
			hours := math.Sin((float64(t) - 8*60 - shift) / minutesOfDay * 2 * math.Pi)
			return peak * math.Pow(max(0, hours), 2)
		}, false
	},
	// A few calls a day.
	"rare": func(r *rand.Rand, _ int) (func(int) float64, bool) {
		rate := (1 + 9*r.Float64()) / minutesOfDay
		return func(int) float64 { return rate }, false
	},
}

// Patterns names the generators.
func Patterns() []string { return append(slices.Sorted(maps.Keys(patterns)), "mixed", "fleet") }

// Generate makes a trace from a description such as "cron" or
// "mixed,services=200,days=2,seed=7".
func Generate(description string) (*Trace, error) {
	name, rest, _ := strings.Cut(description, ",")
	params := map[string]int{"services": 100, "days": 1, "seed": 1}
	for _, p := range strings.FieldsFunc(rest, func(r rune) bool { return r == ',' }) {
		key, value, _ := strings.Cut(p, "=")
		n, err := strconv.Atoi(value)
		if _, known := params[key]; !known || err != nil || n < 1 || n > 1_000_000 {
			return nil, fmt.Errorf("gen:%s: %q is none of services=N, days=N, seed=N", description, p)
		}
		params[key] = n
	}
	if !slices.Contains(Patterns(), name) {
		return nil, fmt.Errorf("gen:%s: %q is none of %s", description, name, strings.Join(Patterns(), ", "))
	}
	t := &Trace{Name: "gen:" + description, Start: epoch, Minutes: params["days"] * minutesOfDay}
	names := slices.Sorted(maps.Keys(patterns))
	for i := range params["services"] {
		// Each service has random numbers of its own, so that more services leave
		// the others as they are.
		r := rand.New(rand.NewPCG(uint64(params["seed"]), uint64(i)))
		of, p := name, patterns[name]
		switch name {
		case "mixed":
			of = names[i%len(names)]
			p = patterns[of]
		case "fleet":
			of, p = ofFleet(r)
		}
		t.Services = append(t.Services, generate(fmt.Sprintf("%s-%04d", of, i), p, r, t.Minutes))
	}
	t.sort()
	return t, nil
}

func generate(name string, p pattern, r *rand.Rand, minutes int) Service {
	s := Service{
		Name: name, Memory: 128 << r.IntN(5),
		Run: time.Duration(50*math.Pow(100, r.Float64())) * time.Millisecond,
	}
	rate, exact := p(r, minutes)
	for t := range minutes {
		n := int(rate(t))
		if !exact {
			n = poisson(r, rate(t))
		}
		if n > 0 {
			s.Calls = append(s.Calls, Calls{int32(t), int32(n)})
		}
	}
	return s
}

// poisson is Knuth's method, good for the small means here.
func poisson(r *rand.Rand, mean float64) int {
	limit, p, n := math.Exp(-mean), r.Float64(), 0
	for p > limit {
		p *= r.Float64()
		n++
	}
	return n
}
