package forecast

import "math/bits"

const (
	day      = 24 * 60           // minutes
	slots    = (day/64 + 1) * 64 // minutes that bits are kept of
	lagsMost = 240               // minutes back in which a rhythm is looked for
	gapsMost = 64                // idle times remembered one by one
	seenMost = 2 * day           // minutes with calls after which older lags fade
	dormant  = day + day/24      // idle minutes after which nothing is forecast
	matched  = 8                 // idle times in a row that a repetition is looked for by
)

// memory is what of a History is stored.
type memory struct {
	First, Last int64 // minutes of the first and the last call; 0: none
	Now         int64 // the last minute that is known
	Busy        [slots / 64]uint64
	Gaps        [gapsMost]uint16 // a ring; the newest is at (Count-1) % gapsMost
	Count       uint32           // idle times ever
	Seen        uint32           // minutes with calls that Lags counts from
	Lags        [lagsMost + 1]uint16
	Trust       trust
	Open        bool // minutes since Last were lost: the idle time that runs has no known length
}

// History is what is remembered of one service, in about 1 KiB: which minutes of
// the last day had calls, its last idle times in order, how often a call came a
// given time after a call, and which forecasts came true. The zero value is a
// service that was never called. Minutes are counted from the Unix epoch.
type History struct {
	memory
	inDay int // bits of Busy that are set
	match int // how many of the last idle times came in this order before
	next  prediction
}

// Known reports whether the service was ever called.
func (h *History) Known() bool { return h.Last != 0 }

// Idles is the number of idle times between calls that were seen.
func (h *History) Idles() int { return int(h.Count) }

// Quiet reports whether the last call is so long ago that nothing is forecast.
func (h *History) Quiet(minute int64) bool { return h.Last == 0 || minute-h.Last > dormant }

// Lost says that minutes up to this one were not watched. They teach nothing.
func (h *History) Lost(minute int64) {
	if h.Last != 0 && minute > h.Now {
		h.advance(minute)
		h.Open = true
	}
}

// gap returns the i-th last idle time in minutes from call to call; 0: none.
func (h *History) gap(i int) int {
	if i >= gapsMost || i >= int(h.Count) {
		return 0
	}
	return int(h.Gaps[(int(h.Count)-1-i)%gapsMost])
}

// advance makes minute the last known one, for now without calls, and forgets
// what the bits of a day ago said.
func (h *History) advance(minute int64) {
	for m := max(h.Now+1, minute-slots+1); m <= minute; m++ {
		if word, bit := slot(m); h.Busy[word]&bit != 0 {
			h.Busy[word] &^= bit
			h.inDay--
		}
	}
	h.Now = max(h.Now, minute)
}

func slot(minute int64) (word int, bit uint64) {
	i := minute % slots
	return int(i / 64), 1 << (i % 64)
}

// called reports whether a known minute of the last day had calls.
func (h *History) called(minute int64) bool {
	word, bit := slot(minute)
	return h.Busy[word]&bit != 0
}

// each tells f how long before the minute each call was, the latest first, up to
// lagsMost.
func (h *History) each(minute int64, f func(lag int)) {
	for lag := int(max(1, minute-h.Now)); lag <= lagsMost; {
		i := int((minute - int64(lag)) % slots)
		word := h.Busy[i/64] << (63 - i%64) // the minute is the highest bit
		if word == 0 {
			lag += i%64 + 1
			continue
		}
		if lag += bits.LeadingZeros64(word); lag <= lagsMost {
			f(lag)
		}
		lag++
	}
}

// note remembers that the minute, the last known one, had calls.
func (h *History) note(minute int64) {
	if h.Last == 0 {
		h.First = minute
	} else {
		h.each(minute, func(lag int) { h.Lags[lag]++ })
		if gap := minute - h.Last; !h.Open && gap <= dormant {
			h.Gaps[h.Count%gapsMost] = uint16(gap)
			h.Count++
			h.match = h.repeats()
		}
	}
	if h.Seen++; h.Seen >= seenMost {
		h.Seen /= 2
		for i := range h.Lags {
			h.Lags[i] /= 2
		}
	}
	word, bit := slot(minute)
	h.Busy[word] |= bit
	h.inDay++
	h.Last, h.Open = minute, false
}

// repeats is how many of the last idle times came in the same order before.
func (h *History) repeats() int {
	best := 0
	for back := 1; h.gap(back) != 0; back++ {
		n := 0
		for n < matched && h.gap(back+n) != 0 && h.gap(back+n) == h.gap(n) {
			n++
		}
		if best = max(best, n); best == matched {
			break
		}
	}
	return best
}

// rate is the share of minutes with calls, over the last day or since the first.
func (h *History) rate(minute int64) float64 {
	return max(1, float64(h.inDay)) / float64(min(minute-h.First+1, day))
}
