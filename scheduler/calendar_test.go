package scheduler

import (
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

func TestWindow(t *testing.T) {
	at := func(s string) time.Time {
		t.Helper()
		tm, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return tm
	}
	office := service.Window{Cron: "0 8 * * 1-5", Duration: service.Duration{Duration: 10 * time.Hour}, TimeZone: "America/Los_Angeles", Min: 2}
	night := service.Window{Cron: "30 2 * * *", Duration: service.Duration{Duration: time.Hour}, TimeZone: "Europe/Berlin", Min: 1}
	often := service.Window{Cron: "*/10 * * * *", Duration: service.Duration{Duration: time.Minute}, Min: 1}
	tests := []struct {
		name string
		in   service.Window
		now  string
		open bool
		edge string
	}{
		{"before it opens", office, "2026-03-02T15:59:59Z", false, "2026-03-02T16:00:00Z"},
		{"as it opens", office, "2026-03-02T16:00:00Z", true, "2026-03-03T02:00:00Z"},
		{"inside", office, "2026-03-03T01:59:59Z", true, "2026-03-03T02:00:00Z"},
		{"as it closes", office, "2026-03-03T02:00:00Z", false, "2026-03-03T16:00:00Z"},
		{"at the weekend", office, "2026-03-07T20:00:00Z", false, "2026-03-09T15:00:00Z"}, // summer time began
		{"UTC where no zone is named", often, "2026-03-02T15:50:30Z", true, "2026-03-02T15:51:00Z"},
		{"an hour that is skipped opens at the skip", night, "2026-03-29T00:59:59Z", false, "2026-03-29T01:00:00Z"},
		{"and lasts from there", night, "2026-03-29T01:00:00Z", true, "2026-03-29T02:00:00Z"},
		{"an hour that comes twice opens the first time", night, "2026-10-25T00:30:00Z", true, "2026-10-25T01:30:00Z"},
		{"and not again", night, "2026-10-25T01:30:00Z", false, "2026-10-26T01:30:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, err := newWindow(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			open, edge := w.at(at(tt.now))
			if open != tt.open || !edge.Equal(at(tt.edge)) {
				t.Errorf("at %s: open %v until %s, want %v until %s", tt.now, open, edge.UTC().Format(time.RFC3339), tt.open, tt.edge)
			}
		})
	}
}

func TestCalendarLeavesOutWhatItCannotRead(t *testing.T) {
	c, err := newCalendar([]service.Window{
		{Name: "zone", Cron: "* * * * *", TimeZone: "Mars/Olympus"},
		{Name: "cron", Cron: "@every 5m"},
		{Name: "good", Cron: "0 12 * * *", Duration: service.Duration{Duration: time.Hour}, Min: 2},
	})
	if err == nil {
		t.Error("no error for a zone that does not exist")
	}
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	if got := c.at(noon.Add(-time.Minute)); len(got) != 0 {
		t.Errorf("open before noon: %v", got)
	}
	if got := c.at(noon); len(got) != 1 || got[0].Name != "good" || got[0].Min != 2 {
		t.Errorf("at noon: %v, want the good window", got)
	}
	if got := c.at(noon.Add(time.Hour)); len(got) != 0 {
		t.Errorf("open after one hour: %v", got)
	}
}
