package scheduler_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/forecast"
	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
)

// What habits ask for, with a price of 2 % of a minute.
func TestHabits(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	habit := func(hazard float64, h scheduler.Habit) *scheduler.Habit {
		h.Evidence = forecast.Evidence{Hazard: hazard, Idle: 4, Gap: 5, Run: 4}
		h.Ahead = append([]float64{hazard}, h.Ahead...)
		return &h
	}
	for _, tt := range []struct {
		name    string
		count   int
		idle    time.Duration
		memory  int
		changed time.Duration // ago
		habit   *scheduler.Habit
		to      int // the same as count: no decision
		kind    service.Kind
		says    string
	}{
		{"unknown habits leave it to idle_after", 1, 9 * time.Minute, 512, time.Hour, nil, 1, "", ""},
		{"idle_after without habits", 1, 11 * time.Minute, 512, time.Hour, nil, 0, service.KindIdle, "idle_after"},
		{"kept beyond idle_after where a call is likely", 1, 20 * time.Minute, 512, time.Hour, habit(0.3, scheduler.Habit{Rise: now}), 1, "", ""},
		{"never beyond three times idle_after", 1, 31 * time.Minute, 512, time.Hour, habit(0.3, scheduler.Habit{Rise: now}), 0, service.KindIdle, "the longest that it is kept"},
		{"stopped where no call is likely", 1, 3 * time.Minute, 512, time.Hour, habit(0.001, scheduler.Habit{Again: now.Add(12 * time.Minute)}), 0, service.KindIdle, "a call in such a minute is 0.1 % likely, less than an idle minute costs, 2.0 % of a cold start; it is to be warm again at 12:12 UTC"},
		{"not stopped for a moment", 1, 3 * time.Minute, 512, time.Hour, habit(0.001, scheduler.Habit{Ahead: []float64{0.3}}), 1, "", ""},
		{"stopped where the next call is some minutes off", 1, 3 * time.Minute, 512, time.Hour, habit(0.001, scheduler.Habit{Ahead: []float64{0.001, 0.001, 0.3}}), 0, service.KindIdle, "less than an idle minute costs"},
		{"not stopped right after a call", 1, 30 * time.Second, 512, time.Hour, habit(0.001, scheduler.Habit{}), 1, "", ""},
		{"started ahead of a call", 0, time.Hour, 512, time.Hour, habit(0.4, scheduler.Habit{Rise: now}), 1, service.KindPrewarm, "calls come every 5 min"},
		{"started for the minute that begins soon", 0, time.Hour, 512, time.Hour, habit(0.001, scheduler.Habit{Rise: now, Ahead: []float64{0.4}, Lead: 1}), 1, service.KindPrewarm, "40 %"},
		{"not started for a minute that would pay without the start", 0, time.Hour, 512, time.Hour, habit(0.03, scheduler.Habit{Rise: now, Ahead: []float64{0.001}}), 0, "", ""},
		{"started where several such minutes come", 0, time.Hour, 512, time.Hour, habit(0.03, scheduler.Habit{Rise: now, Ahead: []float64{0.03, 0.03, 0.03}}), 1, service.KindPrewarm, "worth a start"},
		{"not started ahead twice for one hope", 0, time.Hour, 512, 10 * time.Minute, habit(0.4, scheduler.Habit{Rise: now.Add(-time.Hour)}), 0, "", ""},
		{"much memory costs more", 0, time.Hour, 4096, time.Hour, habit(0.1, scheduler.Habit{Rise: now}), 0, "", ""},
		{"little memory costs less", 0, time.Hour, 128, time.Hour, habit(0.01, scheduler.Habit{Rise: now}), 1, service.KindPrewarm, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := scheduler.View{
				ID: "a", Fresh: true, Count: tt.count, Ready: tt.count, Habit: tt.habit,
				Scale:    service.Scale{Max: 3, Concurrency: 10, IdleAfter: service.Duration{Duration: 10 * time.Minute}},
				Instance: scheduler.Size{Memory: tt.memory}, LastBusy: now.Add(-tt.idle), Changed: now.Add(-tt.changed),
			}
			decisions := scheduler.Decide(scheduler.Snapshot{Now: now, Rules: scheduler.DefaultRules(), Services: []scheduler.View{v}})
			if tt.to == tt.count {
				if len(decisions) != 0 {
					t.Errorf("decided on %d: %s", decisions[0].To, decisions[0].Reason)
				}
				return
			}
			if len(decisions) != 1 || decisions[0].To != tt.to || decisions[0].Kind != tt.kind || !strings.Contains(decisions[0].Reason, tt.says) {
				t.Errorf("got %+v, want %d instances, kind %s, and a reason with %q", decisions, tt.to, tt.kind, tt.says)
			}
		})
	}
}
