package service

import (
	"fmt"
	"time"
)

// Limits bound how long a call may take, each for itself. Zero is no limit of
// one's own: a method's is its version's then, and a version's the operator's.
type Limits struct {
	Wait      Duration `json:"wait,omitzero"`       // until an instance is free, its start included
	FirstByte Duration `json:"first_byte,omitzero"` // from the end of what the caller sends to the beginning of the answer
	Idle      Duration `json:"idle,omitzero"`       // without a byte in either direction, but for what FirstByte is about
	Total     Duration `json:"total,omitzero"`      // from passing the call on to the end of its answer; of a method: its Timeout
}

// Or fills in from other what l leaves open.
func (l Limits) Or(other Limits) Limits {
	return l.each(other, func(mine, other time.Duration) time.Duration {
		if mine == 0 {
			return other
		}
		return mine
	})
}

// Within lowers l to most, the operator's maxima; zero there is none.
func (l Limits) Within(most Limits) Limits {
	return l.each(most, func(mine, most time.Duration) time.Duration {
		if most > 0 && (mine == 0 || mine > most) {
			return most
		}
		return mine
	})
}

func (l Limits) each(other Limits, f func(mine, other time.Duration) time.Duration) Limits {
	return Limits{
		Wait:      Duration{f(l.Wait.Duration, other.Wait.Duration)},
		FirstByte: Duration{f(l.FirstByte.Duration, other.FirstByte.Duration)},
		Idle:      Duration{f(l.Idle.Duration, other.Idle.Duration)},
		Total:     Duration{f(l.Total.Duration, other.Total.Duration)},
	}
}

// LimitsOf are the limits of a call of method m, whose zero value stands for
// whatever is no method that the version declares.
func (v *Version) LimitsOf(m *Method) Limits {
	own := m.Limits
	if m.Timeout.Duration > 0 {
		own.Total = m.Timeout
	}
	return own.Or(v.Limits)
}

// named are the limits as a manifest calls them.
func (l *Limits) named() []struct {
	name string
	is   Duration
} {
	return []struct {
		name string
		is   Duration
	}{{"wait", l.Wait}, {"first_byte", l.FirstByte}, {"idle", l.Idle}, {"total", l.Total}}
}

func (l *Limits) validate(f *faults, field string) {
	for _, one := range l.named() {
		if one.is.Duration != 0 {
			within(f, field+"."+one.name, one.is, time.Millisecond, maxLimit, "")
		}
	}
}

// Exceeds reports, as [Fault] values joined, which limits of the version are
// above the operator's maxima.
func (v *Version) Exceeds(most Limits) error {
	var f faults
	compare := func(field string, is, most Duration) {
		f.check(most.Duration == 0 || is.Duration <= most.Duration, field,
			"must be at most %s, which is the operator's maximum, not %s", short(most.Duration), short(is.Duration))
	}
	maxima := most.named()
	for i, one := range v.Limits.named() {
		compare("limits."+one.name, one.is, maxima[i].is)
	}
	for i := range v.Methods {
		m := &v.Methods[i]
		field := fmt.Sprintf("methods[%d]", i)
		if m.Mode != Async {
			compare(field+".timeout", m.Timeout, most.Total)
		}
		for j, one := range m.Limits.named() {
			compare(field+".limits."+one.name, one.is, maxima[j].is)
		}
	}
	return f.join()
}
