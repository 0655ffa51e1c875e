package forecast

// Model is what is known of all services together. It is not safe for concurrent
// use.
type Model struct {
	tables
	ahead prediction // of a minute after the next
}

// New returns a Model that knows nothing.
func New() *Model {
	m := &Model{}
	m.Mixer.init()
	return m
}

// prediction is what was said of a minute, kept to learn from when it is over.
type prediction struct {
	at                     int64
	hazard                 float64
	said                   [experts + 1]float64 // log-odds; the last is the mixer's constant
	of                     [voices]float64      // probabilities that hazard is an average of
	cells                  [4]*cell             // that were looked up
	byAge, bySeen, byMatch int                  // the mixer's sets of weights
	lag, often             int                  // the surest rhythm, and how often it came true
}

// Hazard is how likely a call is in a minute, when none has come in the minutes
// since the last one that h knows.
func (m *Model) Hazard(h *History, minute int64) float64 {
	if h.Quiet(minute) || minute <= h.Last {
		return 0
	}
	return m.predict(h, minute).hazard
}

// predict answers from what was said before, where that was of the same minute:
// within a minute a forecast does not change. It is valid until the next call.
func (m *Model) predict(h *History, minute int64) *prediction {
	if h.next.at == minute {
		return &h.next
	}
	q := &m.ahead
	if minute == h.Now+1 {
		q = &h.next
	}
	m.consult(h, minute, q)
	for i := range experts {
		q.of[i] = squash(q.said[i])
	}
	q.of[mixed] = squash(m.Mixer.mix(q))
	q.hazard = h.Trust.average(&q.of)
	return q
}

// Learn tells what happened in a minute, the one after the last that h knows:
// whether there were calls. Of a service that was not called yet, minutes
// without calls need not be told.
func (m *Model) Learn(h *History, minute int64, called bool) {
	if !h.Quiet(minute) && !h.Open && minute > h.Last {
		q := m.predict(h, minute)
		m.Mixer.learn(q, called)
		h.Trust.learn(&q.of, called)
		for _, c := range q.cells {
			c.add(called)
		}
	}
	h.advance(minute)
	if called {
		if h.Last != 0 && minute > h.Last+1 {
			m.Idles++
		}
		h.note(minute)
	}
}
