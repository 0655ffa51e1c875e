package forecast

import "fmt"

// Evidence is what a forecast of one minute was made from.
type Evidence struct {
	Hazard float64          // how likely a call is in the minute
	Said   [experts]float64 // what each expert said, by its place in Experts
	Idle   int              // minutes since the last call
	Gap    int              // minutes between the last two calls; 0: not known
	Run    int              // how often in a row they were that far apart
	Lag    int              // minutes back to a call that calls often follow by as much; 0: none
	Often  int              // how often they did
	Idles  int              // idle times known of this service
}

// Experts names the experts in the order of Evidence.Said.
var Experts = [experts]string{"alike", "beat", "own", "hour", "rhythm", "near", "often"}

// Evidence returns what Hazard answers, and why.
func (m *Model) Evidence(h *History, minute int64) Evidence {
	if h.Quiet(minute) || minute <= h.Last {
		return Evidence{Idles: h.Idles()}
	}
	q := m.predict(h, minute)
	e := Evidence{
		Hazard: q.hazard, Idle: int(minute - h.Last), Gap: h.gap(0),
		Lag: q.lag, Often: q.often, Idles: h.Idles(),
	}
	if e.Gap > 0 {
		e.Run = h.run() + 1
	}
	for i := range e.Said {
		e.Said[i] = squash(q.said[i])
	}
	return e
}

// String says in words what speaks most for a call.
func (e Evidence) String() string {
	best := alike
	for i := range near { // the others see no single minutes
		if e.Said[i] > e.Said[best] {
			best = i
		}
	}
	share := Percent(e.Said[best])
	switch {
	case e.Idle == 0:
		return "it has not been called for more than a day"
	case e.Run >= 3:
		return fmt.Sprintf("calls come every %s", minutes(e.Gap))
	case best == beat && e.Gap > 0:
		return fmt.Sprintf("the last calls were %s apart, and it is %s since the last", minutes(e.Gap), minutes(e.Idle))
	case best == own && e.Idles > 0:
		return fmt.Sprintf("of its own idle times that lasted %s, %s ended then", minutes(e.Idle), share)
	case best == hour:
		return fmt.Sprintf("it was called at this minute in %s of the last hours", share)
	case best == rhythm && e.Often > 1:
		return fmt.Sprintf("a call has followed %s after another %d times", minutes(e.Lag), e.Often)
	}
	return fmt.Sprintf("services with idle times like its own are called in %s of such minutes", share)
}

// Percent writes a probability.
func Percent(p float64) string {
	switch {
	case p < 0.0005:
		return "less than 0.1 %"
	case p < 0.0995:
		return fmt.Sprintf("%.1f %%", 100*p)
	case p > 0.995:
		return "more than 99 %"
	}
	return fmt.Sprintf("%.0f %%", 100*p)
}

func minutes(n int) string {
	if n%60 == 0 {
		return fmt.Sprintf("%d h", n/60)
	}
	return fmt.Sprintf("%d min", n)
}
