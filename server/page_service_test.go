package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// A service's page has its last day as a drawing, the usage of its methods, what
// its count follows now, and each decision with all that led to it.
func TestTheServicePageTellsItsDay(t *testing.T) {
	w := open(t)
	v := w.register(t, "dev")
	now := time.Now()
	var samples []service.Sample
	for hour := range 20 {
		samples = append(samples, service.Sample{
			Service: v.ID, Method: "hello", Start: now.Add(-time.Duration(hour) * time.Hour).Truncate(5 * time.Second),
			Width: service.Duration{Duration: 5 * time.Second}, Calls: int64(1 + hour), ColdStarts: 1, Latency: time.Second, LatencyMax: time.Second,
		})
	}
	if err := w.db.AddSamples(t.Context(), samples); err != nil {
		t.Fatal(err)
	}
	for _, d := range []service.Decision{
		{From: 0, To: 3, Kind: service.KindLoad, Reason: "11 calls <wait>: 3 instances", Winner: "wake", Outcome: "applied",
			Proposals: []service.Proposal{{Strategy: "wake", Count: 5, Reason: "11 calls wait"}, {Strategy: "floor", Count: 1, Reason: "min is 1"}},
			Caps:      []service.Cap{{Rule: "max", From: 5, To: 3, Reason: "the version's max"}}, Inputs: map[string]float64{"queued": 11}},
		{From: 3, To: 0, Kind: service.KindIdle, Reason: "the chance of a call is 0.3 %", Outcome: "applied"},
	} {
		d.Service, d.At = v.ID, now.Add(-time.Hour)
		id, err := w.db.AddDecision(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.db.FinishDecision(t.Context(), id, d.Outcome); err != nil {
			t.Fatal(err)
		}
	}
	status, text, head := w.browse(t, token, http.MethodGet, "/console/services/"+string(v.ID))
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	for _, want := range []string{
		`<svg id="chart"`, "Count, at most 3", "Calls in 15 min, at most 20, altogether 210", "Cold starts in 15 min, at most 1, altogether 20",
		`<code>hello</code></td><td class="number">210</td>`,
		"It stays at 0 now: ", "11 calls &lt;wait&gt;: 3 instances", "<td>wake won</td>", "<td>max</td><td class=\"number\">5 → 3</td>", "queued 11",
		"the chance of a call is 0.3 %",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if n := strings.Count(text, "<rect "); n < 38 || n > 40 {
		t.Errorf("%d bars, want those of 20 hours with calls and with cold starts", n)
	}
	// From nothing to 3 instances and back within the day.
	if _, line, ok := strings.Cut(text, `<polyline points="0,70 `); !ok || !strings.Contains(line[:strings.Index(line, `"`)], ",0 ") {
		t.Error("the line of the count does not go from 0 to 3")
	}
	// Everything is in the page: a browser is to load nothing from elsewhere.
	if csp := head.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'self'") || strings.Contains(text, "<script") || strings.Contains(text, " style=") {
		t.Errorf("the page wants more than its own style sheet; policy %q", csp)
	}
}
