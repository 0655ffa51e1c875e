package scheduler

import (
	"errors"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/dynsvc/dynsvc/service"
)

// cronFields is the crontab that a window may have: five fields, no "@daily".
var cronFields = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// window is a service.Window made ready to be asked.
type window struct {
	name     string
	min      int
	duration time.Duration
	matches  cron.Schedule // in wall time that is written as if it were UTC
	zone     *time.Location
}

func newWindow(w service.Window) (window, error) {
	zone, err := time.LoadLocation(w.TimeZone)
	if err != nil {
		return window{}, fmt.Errorf("window %q: time_zone %q is not an IANA name such as Europe/Berlin: %w", w.Name, w.TimeZone, err)
	}
	matches, err := cronFields.Parse("CRON_TZ=UTC " + w.Cron)
	if err != nil {
		return window{}, fmt.Errorf("window %q: cron %q: %w", w.Name, w.Cron, err)
	}
	return window{name: w.Name, min: w.Min, duration: w.Duration.Duration, matches: matches, zone: zone}, nil
}

// zoneShift is more than any zone's clock was ever set at once.
const zoneShift = 26 * time.Hour

// at reports whether the window is open, and when that changes. A zero edge is
// never.
func (w *window) at(now time.Time) (open bool, edge time.Time) {
	from := now.Add(-w.duration)
	wall := from.In(w.zone)
	m := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), 0, 0, time.UTC).Add(-zoneShift)
	for m = w.matches.Next(m); !m.IsZero(); m = w.matches.Next(m) {
		start := instant(m, w.zone)
		switch {
		case !start.After(from): // it is over
		case start.After(now):
			return false, start
		default:
			return true, start.Add(w.duration)
		}
	}
	return false, time.Time{}
}

// instant is the moment at which a zone's clocks show the wall time m. A wall
// time that the clocks skip is the moment of the skip; of one that they show
// twice it is the first.
func instant(m time.Time, zone *time.Location) time.Time {
	t := time.Date(m.Year(), m.Month(), m.Day(), m.Hour(), m.Minute(), 0, 0, zone)
	begin, end := t.ZoneBounds()
	if t.Hour() != m.Hour() || t.Minute() != m.Minute() {
		if shown := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC); shown.Before(m) {
			return end
		}
		return begin
	}
	if !begin.IsZero() {
		_, offset := t.Zone()
		_, before := begin.Add(-time.Second).Zone()
		if first := t.Add(time.Duration(offset-before) * time.Second); first.Before(begin) {
			return first
		}
	}
	return t
}

// calendar is the windows of one version, with what they said last.
type calendar struct {
	windows []window
	open    []Floor
	until   time.Time // open is right until then; zero: ask anew
}

// newCalendar leaves out the windows that cannot be understood and says which.
func newCalendar(windows []service.Window) (calendar, error) {
	var c calendar
	var faults []error
	for _, w := range windows {
		parsed, err := newWindow(w)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		c.windows = append(c.windows, parsed)
	}
	return c, errors.Join(faults...)
}

// at returns the windows that are open. It works only when one opens or closes.
func (c *calendar) at(now time.Time) []Floor {
	if len(c.windows) == 0 || now.Before(c.until) {
		return c.open
	}
	// Asked again at least hourly, so that a clock that was set back is noticed.
	c.open, c.until = nil, now.Add(time.Hour)
	for i := range c.windows {
		w := &c.windows[i]
		open, edge := w.at(now)
		if open {
			c.open = append(c.open, Floor{Name: w.name, Min: w.min, Until: edge.In(w.zone)})
		}
		if !edge.IsZero() && edge.Before(c.until) {
			c.until = edge
		}
	}
	return c.open
}

// Floors returns a function that says which windows are open at a time.
func Floors(windows []service.Window) (func(now time.Time) []Floor, error) {
	c, err := newCalendar(windows)
	return c.at, err
}
