package service

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// cronForm keeps out what the parser would also take: zones, seconds, @every.
var cronForm = regexp.MustCompile(`^[0-9A-Za-z*/,?-]+( +[0-9A-Za-z*/,?-]+){4}$`)

var cronParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// Schedule returns when the window opens, and the zone its times are in. The
// schedule computes in the zone of the time it is given.
func (w *Window) Schedule() (cron.Schedule, *time.Location, error) {
	zone, err := w.zone()
	if err != nil {
		return nil, nil, err
	}
	if len(w.Cron) > 256 || !cronForm.MatchString(w.Cron) {
		return nil, nil, Errorf(ErrInvalid, `%q is not five cron fields such as "0 8 * * 1-5"`, w.Cron)
	}
	schedule, err := cronParser.Parse(w.Cron)
	if err != nil {
		return nil, nil, Errorf(ErrInvalid, "%q is no cron schedule: %w", w.Cron, err)
	}
	return schedule, zone, nil
}

func (w *Window) zone() (*time.Location, error) {
	// "Local" would mean something else on each machine.
	if strings.EqualFold(w.TimeZone, "local") {
		return nil, fmt.Errorf("%q is not an IANA zone", w.TimeZone)
	}
	return time.LoadLocation(w.TimeZone)
}

func (w *Window) validate(f *faults, field string) {
	within(f, field+".duration", w.Duration, time.Minute, maxWindow, "")
	if _, err := w.zone(); err != nil {
		f.add(field+".time_zone", `must be an IANA time zone such as "America/Los_Angeles", not %q`, w.TimeZone)
		return
	}
	schedule, zone, err := w.Schedule()
	if err != nil {
		f.add(field+".cron", `must be five cron fields (minute hour day month weekday) such as "0 8 * * 1-5": %v`, err)
		return
	}
	// The library looks five years ahead and answers the zero time if nothing matches.
	if schedule.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, zone)).IsZero() {
		f.add(field+".cron", "never matches: %q names a day that no month has", w.Cron)
	}
}
