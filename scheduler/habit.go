package scheduler

import (
	"time"

	"github.com/dynsvc/dynsvc/forecast"
)

// Habit is what was learnt of when a service is called, as it bears on this
// moment.
type Habit struct {
	forecast.Evidence           // of this minute
	Ahead             []float64 // the hazards of this minute, and of as many after it as matter
	Lead              int       // the place in Ahead of the minute that an instance started now is there for
	Rise              time.Time // since when the hazard has been above the price without a break; zero: it is not
	Again             time.Time // the next minute with a hazard above the price; zero: none in sight
}

// Coming is the hazard of the minute that an instance started now is there for.
func (h *Habit) Coming() float64 { return h.Ahead[h.Lead] }

// Learner learns the habit of one service, minute by minute.
type Learner struct {
	History forecast.History
	rise    int64 // the minute that Habit.Rise is about; 0: the hazard is below the price
	looked  int64 // the last minute that rise was kept for
	habit   Habit
	ahead   [horizon + 1]float64
}

// enoughOwn is how many idle times of a service are enough for its habits to be
// acted upon, however little is known of others.
const enoughOwn = 3

// Question is what a Habit is asked for.
type Question struct {
	Now   time.Time
	Lead  time.Duration // how long a start takes
	Price float64       // of an idle minute of this service
	Least int           // Rules.LeastKnown
	Up    bool          // it has an instance
}

// Habit returns what is known for a decision; nil: too little. It is to be called
// once a minute at least, and the Habit is valid until the next call.
func (l *Learner) Habit(m *forecast.Model, q Question) *Habit {
	minute := MinuteOf(q.Now)
	if l.History.Idles() < enoughOwn && int(m.Idles) < q.Least || l.History.Quiet(minute) {
		l.rise = 0
		return nil
	}
	h := &l.habit
	h.Evidence = m.Evidence(&l.History, minute)
	h.Lead = int(min(1, MinuteOf(q.Now.Add(q.Lead))-minute))
	l.ahead[0] = h.Hazard
	h.Ahead = l.ahead[:1]
	for len(h.Ahead) <= h.Lead || len(h.Ahead) < horizon+h.Lead && !plain(h.Coming(), q.Price, q.Up) {
		h.Ahead = append(h.Ahead, m.Hazard(&l.History, minute+int64(len(h.Ahead))))
	}
	if h.Hazard > q.Price || h.Coming() > q.Price {
		if l.rise == 0 || l.looked < minute-1 {
			l.rise = minute
		}
	} else {
		l.rise = 0
	}
	l.looked = minute
	h.Rise, h.Again = timeOf(l.rise), time.Time{}
	return h
}

// Look sets when the hazard is above the price next, within the minutes after
// now.
func (l *Learner) Look(m *forecast.Model, now time.Time, price float64, minutes int) {
	from := MinuteOf(now)
	for t := from + 1; t <= from+int64(minutes); t++ {
		if m.Hazard(&l.History, t) > price {
			l.habit.Again = timeOf(t)
			return
		}
	}
}

// Due returns the first minute after now that an instance would be started for
// ahead of a call, and what speaks for one, if none comes until then.
func (l *Learner) Due(m *forecast.Model, now time.Time, price, start float64, minutes int) (at time.Time, why forecast.Evidence, ok bool) {
	from := MinuteOf(now) + 1
	var hazards []float64
	for t := from; t < from+int64(minutes+horizon); t++ {
		hazards = append(hazards, m.Hazard(&l.History, t))
	}
	for i := range minutes {
		if next := hazards[i : i+horizon]; !plain(next[0], price, false) && pays(next, price, start, false) {
			minute := from + int64(i)
			return timeOf(minute), m.Evidence(&l.History, minute), true
		}
	}
	return time.Time{}, forecast.Evidence{}, false
}

// MinuteOf numbers minutes as package forecast does.
func MinuteOf(t time.Time) int64 { return t.Unix() / 60 }

func timeOf(minute int64) time.Time {
	if minute == 0 {
		return time.Time{}
	}
	return time.Unix(60*minute, 0).UTC()
}
