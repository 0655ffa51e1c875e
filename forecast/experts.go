package forecast

import "math"

// The experts, see the package's documentation.
const (
	alike = iota
	beat
	own
	hour
	rhythm
	near
	often
	experts
)

// The sizes of the shared tables.
const (
	few       = 4  // 0, 1, 2 or more idle times known
	paces     = 24 // steps of how often a service is called
	offs      = 10 // -4 … 4 minutes from an idle time, and none known
	runs      = 5  // equal idle times in a row
	strengths = 17
	hits      = 7
	ages      = 9
)

// tables are the counts over all services.
type tables struct {
	Alike  [steps][steps][steps][few]cell
	Pace   [fineSteps][paces]cell
	Beat   [offs][runs][steps][offs]cell
	Rhythm [strengths][hits][ages]cell
	Mixer  mixer
	Idles  uint32 // idle times that ended
}

// prior is the hazard while nothing at all is known: what has not come for long
// will not come for as long again.
func prior(age int) float64 { return priorScale / float64(age+priorShift) }

const (
	priorScale = 0.6
	priorShift = 10
)

// consult asks each expert about a minute.
func (m *Model) consult(h *History, minute int64, q *prediction) {
	age := int(minute - h.Last)
	g1, g2 := h.gap(0), h.gap(1)
	rate := h.rate(minute)

	a := &m.Alike[coarse[age]][coarse[g1]][coarse[g2]][min(h.Count, few-1)]
	everybody := a.share(prior(age))
	p := &m.Pace[fine[age]][min(int(-1.5*math.Log2(rate)), paces-1)]
	b := &m.Beat[off(age, g1)][h.run()][coarse[g1]][off(age, g2)]
	lag, surely, times := h.surest(minute, rate)
	r := &m.Rhythm[min(int(surely*16), strengths-1)][min(int(coarse[min(times, day)]), hits-1)][min(int(coarse[age]), ages-1)]

	q.at, q.lag, q.often = minute, lag, times
	q.cells = [...]*cell{a, p, b, r}
	q.said[alike] = stretch(everybody)
	q.said[beat] = stretch(b.share(everybody))
	usual := p.share(everybody)
	around, ever := h.ends(age, usual)
	q.said[own] = stretch(h.own(age, g1, usual))
	q.said[near] = stretch(around)
	q.said[often] = stretch(ever)
	q.said[hour] = stretch(h.hour(minute, rate))
	q.said[rhythm] = stretch(r.share(everybody))
	q.said[experts] = 1
	q.byAge = int(coarse[age])
	q.bySeen = int(coarse[min(h.Seen, dormant)])
	q.byMatch = h.match
}

// off is how an age compares with an idle time, within four minutes.
func off(age, gap int) int {
	if gap == 0 {
		return offs - 1
	}
	return 4 + min(max(age-gap, -4), 4)
}

// run is how often in a row the last idle time came.
func (h *History) run() int {
	n := 0
	for n < runs-1 && h.gap(n+1) != 0 && h.gap(n+1) == h.gap(0) {
		n++
	}
	return n
}

// own is the share of the service's idle times that ended at this age, of those
// that lasted as long: of those after one like the last, shrunk towards all.
func (h *History) own(age, last int, prior float64) float64 {
	low, high := age, age
	if age > 64 { // a few long idle times say little of single minutes
		low, high = age-age/16, age+age/16
	}
	var n, k, nAfter, kAfter float64
	gap := h.gap(0)
	for i := 1; gap != 0; i++ {
		before := h.gap(i)
		if gap >= low {
			spent, ended := float64(min(gap, high)-low+1), 0.0
			if gap <= high {
				ended = 1
			}
			n, k = n+spent, k+ended
			if before == last {
				nAfter, kAfter = nAfter+spent, kAfter+ended
			}
		}
		gap = before
	}
	return share(kAfter, nAfter, share(k, n, prior))
}

// ends is how often in a minute the service's idle times end, around an age,
// within a factor of two, and at any age. Both are the mean of a gamma posterior
// whose prior is worth one call, the idle time that runs included: what holds for
// calls that come by chance, of which single minutes say nothing.
func (h *History) ends(age int, prior float64) (around, ever float64) {
	low, high := age/2, age*2
	n, k := float64(age-low), 0.0
	all, count := float64(age-1), 0.0
	for i := 0; ; i++ {
		gap := h.gap(i)
		if gap == 0 {
			break
		}
		all, count = all+float64(gap), count+1
		if gap >= low {
			n += float64(min(gap, high) - low + 1)
			if gap <= high {
				k++
			}
		}
	}
	return min(1, (k+1)/(n+1/prior)), min(1, (count+1)/(all+1/prior))
}

// hour is the share of the last hours that had a call at this minute.
func (h *History) hour(minute int64, prior float64) float64 {
	var n, k float64
	for m := minute - 60; m >= h.First && m > minute-day; m -= 60 {
		n++
		if h.called(m) {
			k++
		}
	}
	return share(k, n, prior)
}

// surest is, among the lags at which there was a call, the one at which calls
// have followed calls most surely: with what share, and how often.
func (h *History) surest(minute int64, rate float64) (lag int, surely float64, times int) {
	seen := int(h.Seen)
	h.each(minute, func(l int) {
		seen-- // the calls that are at least this old
		if hit := int(h.Lags[l]); seen > 0 && hit > 0 {
			if p := (float64(hit) + 2*rate) / (float64(seen) + 2); p > surely {
				lag, surely, times = l, p, hit
			}
		}
	})
	return lag, surely, times
}
