package scheduler

import (
	"time"

	"github.com/dynsvc/dynsvc/forecast"
)

// Habit is what was learnt of when a service is called, as it bears on this
// moment.
type Habit struct {
	forecast.Evidence           // of this minute
	Coming            float64   // the hazard of the minute that an instance started now is there for
	Rise              time.Time // since when the hazard has been above the price without a break; zero: it is not
	Again             time.Time // the next minute with a hazard above the price; zero: none in sight
}

// Learner learns the habit of one service, minute by minute.
type Learner struct {
	History forecast.History
	rise    int64 // the minute that Habit.Rise is about; 0: the hazard is below the price
	looked  int64 // the last minute that rise was kept for
	habit   Habit
}

// What is needed before a service's habits are acted upon: some idle times of
// its own, or enough of others to know what is usual.
const (
	enoughOwn = 3
	enoughAll = 100
)

// Habit returns what is known for a decision now, of a service whose minute is
// worth an instance when the hazard is above price; nil: too little. lead is how
// long a start takes. It is to be called once a minute at least, and the Habit is
// valid until the next call.
func (l *Learner) Habit(m *forecast.Model, now time.Time, lead time.Duration, price float64) *Habit {
	minute := MinuteOf(now)
	if l.History.Idles() < enoughOwn && m.Idles < enoughAll || l.History.Quiet(minute) {
		l.rise = 0
		return nil
	}
	h := &l.habit
	h.Evidence = m.Evidence(&l.History, minute)
	h.Coming = h.Hazard
	if next := MinuteOf(now.Add(lead)); next > minute {
		h.Coming = m.Hazard(&l.History, next)
	}
	if h.Hazard > price || h.Coming > price {
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

// MinuteOf numbers minutes as package forecast does.
func MinuteOf(t time.Time) int64 { return t.Unix() / 60 }

func timeOf(minute int64) time.Time {
	if minute == 0 {
		return time.Time{}
	}
	return time.Unix(60*minute, 0).UTC()
}
