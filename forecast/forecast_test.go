package forecast_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/forecast"
)

// begin is a minute on a full hour.
const begin = 480_000 * 60

// play tells a model of a service that is called in the minutes that due says.
func play(m *forecast.Model, h *forecast.History, from, to int, due func(minute int) bool) {
	for t := from; t < to; t++ {
		m.Learn(h, begin+int64(t), due(t))
	}
}

func every(n int) func(int) bool { return func(t int) bool { return t%n == 0 } }

func TestAHabitIsLearnt(t *testing.T) {
	for _, tt := range []struct {
		name string
		due  func(int) bool
		says string
	}{
		{"every 5 minutes", every(5), "calls come every 5 min"},
		{"every 15 minutes", every(15), "calls come every 15 min"},
		{"every hour", every(60), "calls come every 1 h"},
		{"in turn after 1 and 9 minutes", func(t int) bool { return t%10 < 2 }, ""},
		{"twice an hour at odd minutes", func(t int) bool { return t%60 == 7 || t%60 == 48 }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, h := forecast.New(), &forecast.History{}
			play(m, h, 0, 1440, tt.due)
			var due, not []float64
			for minute := 1440; minute < 1440+240; minute++ {
				p := m.Hazard(h, int64(begin+minute))
				if tt.due(minute) {
					due = append(due, p)
				} else {
					not = append(not, p)
				}
				if says := m.Evidence(h, int64(begin+minute)).String(); tt.due(minute) && !strings.Contains(says, tt.says) {
					t.Errorf("minute %d: says %q, want %q", minute, says, tt.says)
				}
				m.Learn(h, int64(begin+minute), tt.due(minute))
			}
			if got := mean(due); got < 0.6 {
				t.Errorf("hazard of the minutes with calls = %.3f, want 0.6 and more", got)
			}
			if got := mean(not); got > 0.05 {
				t.Errorf("hazard of the minutes without = %.3f, want 0.05 and less", got)
			}
		})
	}
}

func mean(list []float64) float64 {
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	return sum / float64(len(list))
}

// What comes at random has a hazard, and the forecast finds it.
func TestHazardsAreAsOftenRightAsTheySay(t *testing.T) {
	const services, rate = 20, 0.08
	r := rand.New(rand.NewPCG(1, 2))
	m, hs := forecast.New(), make([]forecast.History, services)
	var said, came float64
	for t := range 2 * 1440 {
		for i := range hs {
			if t >= 1440 {
				said += m.Hazard(&hs[i], begin+int64(t))
			}
			called := r.Float64() < rate
			m.Learn(&hs[i], begin+int64(t), called)
			if called && t >= 1440 {
				came++
			}
		}
	}
	if ratio := said / came; math.Abs(ratio-1) > 0.15 {
		t.Errorf("said %.0f calls and %.0f came, want them within 15 %%", said, came)
	}
}

func TestAHabitThatChangesIsUnlearnt(t *testing.T) {
	m, h := forecast.New(), &forecast.History{}
	play(m, h, 0, 1440, every(10))
	play(m, h, 1440, 2*1440, every(25))
	const next = 2*1440/25*25 + 25
	play(m, h, 2*1440, next, every(25))
	if p := m.Hazard(h, begin+next-15); p > 0.1 {
		t.Errorf("hazard where the old habit had a call = %.3f, want less than 0.1", p)
	}
	if p := m.Hazard(h, begin+next); p < 0.5 {
		t.Errorf("hazard where the new habit has a call = %.3f, want 0.5 and more", p)
	}
}

// What nobody watched is not taken for silence, nor for an idle time.
func TestLostMinutesTeachNothing(t *testing.T) {
	m, h := forecast.New(), &forecast.History{}
	play(m, h, 0, 600, every(15))
	before := h.Idles()
	h.Lost(begin + 600 + 89)
	m.Learn(h, begin+690, true)
	if h.Idles() != before {
		t.Errorf("%d idle times are known after minutes were lost, want %d", h.Idles(), before)
	}
	play(m, h, 691, 705, every(15))
	if p := m.Hazard(h, begin+705); p < 0.4 {
		t.Errorf("hazard of the next call = %.3f, want 0.4 and more: the habit is the same", p)
	}
}

func TestNothingIsForecastOfWhatIsUnknownOrQuiet(t *testing.T) {
	m, h := forecast.New(), &forecast.History{}
	if p := m.Hazard(h, begin); p != 0 {
		t.Errorf("hazard of a service that was never called = %g", p)
	}
	play(m, h, 0, 100, every(10))
	play(m, h, 100, 2000, func(int) bool { return false })
	if p := m.Hazard(h, begin+2000); p != 0 || !h.Quiet(begin+2000) {
		t.Errorf("hazard after more than a day = %g, want none", p)
	}
	m.Learn(h, begin+2001, true) // and it wakes up again
	if p := m.Hazard(h, begin+2002); p <= 0 || p >= 1 {
		t.Errorf("hazard after a new call = %g", p)
	}
}

func TestWhatIsStoredGoesOnAsBefore(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	m, h := forecast.New(), &forecast.History{}
	due := func(t int) bool { return t%20 == 0 || r.Float64() < 0.02 }
	play(m, h, 0, 3000, due)
	m2, h2 := forecast.New(), &forecast.History{}
	restore(t, m, m2)
	restore(t, h, h2)
	for minute := int64(begin + 3000); minute < begin+3600; minute++ {
		if a, b := m.Evidence(h, minute), m2.Evidence(h2, minute); a != b {
			t.Fatalf("minute %d: %s", minute-begin, cmp.Diff(a, b))
		}
		called := due(int(minute - begin))
		m.Learn(h, minute, called)
		m2.Learn(h2, minute, called)
	}
}

type stored interface {
	MarshalBinary() ([]byte, error)
	UnmarshalBinary([]byte) error
}

func restore(t *testing.T, from, to stored) {
	t.Helper()
	data, err := from.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if err := to.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNotWholeIsRefused(t *testing.T) {
	m, h := forecast.New(), &forecast.History{}
	play(m, h, 0, 300, every(7))
	data, err := h.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"empty": nil, "another form": append([]byte{9}, data[1:]...), "cut": data[:len(data)/2],
	} {
		if err := (&forecast.History{}).UnmarshalBinary(bad); err == nil {
			t.Errorf("%s: was read", name)
		}
	}
}

// Forecasts of later minutes leave those of the next one as they are.
func TestLookingAheadChangesNothing(t *testing.T) {
	m, h := forecast.New(), &forecast.History{}
	m2, h2 := forecast.New(), &forecast.History{}
	for t0 := range 2000 {
		minute := int64(begin + t0)
		for ahead := range int64(40) {
			m.Hazard(h, minute+ahead)
		}
		if a, b := m.Hazard(h, minute), m2.Hazard(h2, minute); a != b {
			t.Fatalf("minute %d: %g after looking ahead, %g without", t0, a, b)
		}
		m.Learn(h, minute, t0%13 == 0)
		m2.Learn(h2, minute, t0%13 == 0)
	}
}

func BenchmarkMinute(b *testing.B) {
	const services = 1000
	m, hs := forecast.New(), make([]forecast.History, services)
	minute := int64(begin)
	for b.Loop() {
		for i := range hs {
			m.Hazard(&hs[i], minute)
			m.Learn(&hs[i], minute, minute%int64(2+i%60) == 0)
		}
		minute++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/services, "ns/service-minute")
}

// Chances are told as people say them: never 0 % or 100 %, which they are not.
func TestChancesAreWritten(t *testing.T) {
	for p, want := range map[float64]string{
		0: "less than 0.1 %", 0.0004: "less than 0.1 %", 0.0005: "0.1 %", 0.02: "2.0 %", 0.0994: "9.9 %",
		0.0996: "10 %", 0.5: "50 %", 0.994: "99 %", 0.996: "more than 99 %", 1: "more than 99 %",
	} {
		if got := forecast.Percent(p); got != want {
			t.Errorf("%g is written %q, want %q", p, got, want)
		}
	}
}
