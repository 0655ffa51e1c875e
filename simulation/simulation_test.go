package simulation_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/simulation"
)

// called is a trace of one service that is called once in each of some minutes.
func called(minutes int, at ...int32) *simulation.Trace {
	s := simulation.Service{Name: "a", Memory: 100, Run: time.Second}
	for _, m := range at {
		s.Calls = append(s.Calls, simulation.Calls{Minute: m, Number: 1})
	}
	return &simulation.Trace{Name: "by hand", Start: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), Minutes: minutes, Services: []simulation.Service{s}}
}

func peer(t testing.TB, name string) simulation.Policy {
	t.Helper()
	scale, rules := simulation.Alone()
	p, err := simulation.Against(name, scale, rules)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ours() simulation.Policy {
	scale, rules := simulation.Alone()
	rules.UsualMemory = 0
	return simulation.Dynsvc(scale, rules)
}

func replay(t testing.TB, trace *simulation.Trace, p simulation.Policy, o simulation.Options) *simulation.Result {
	t.Helper()
	r, err := simulation.Replay(trace, p, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func generated(t testing.TB, what string) *simulation.Trace {
	t.Helper()
	trace, err := simulation.Generate(what)
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

// A call in minute i keeps the instance through minute i+9.
func TestTheConventionOfMinutes(t *testing.T) {
	trace := called(40, 2, 11, 21)
	r := replay(t, trace, peer(t, "fixed:10m"), simulation.Options{Start: 3 * time.Second})
	want := simulation.Usage{
		Calls: 3, ColdStarts: 2, // minute 11 is within 2+9, minute 21 is not within 11+9
		InstanceMinutes: 19 + 10 + 2, // 2 to 20, 21 to 30, and one for each start
		UpMinutes:       19 + 10, MemoryMinutes: 3100, Starts: 2, Changes: 4, Waited: 2,
	}
	// Minute 20 is the last of the first stay, and minute 21 starts anew.
	if diff := cmp.Diff(want, r.Usage); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
	if r.Wait.Max != 3000 || r.Wait.Mean != 2000 {
		t.Errorf("waits = %+v, want two of three calls to wait for 3 s", r.Wait)
	}
}

func TestKnativeKeepsItsStableWindow(t *testing.T) {
	r := replay(t, called(20, 2, 3, 6), peer(t, "knative"), simulation.Options{})
	if r.ColdStarts != 2 || r.InstanceMinutes != 3+2+2 {
		t.Errorf("got %d cold starts and %d instance-minutes, want 2 and 7", r.ColdStarts, r.InstanceMinutes)
	}
}

// With idle times of 30 minutes the hybrid policy stops at once and is back from
// minute 27 to 33; it needs enough of them to trust its histogram.
func TestTheHybridPolicyIsAheadOfARegularCall(t *testing.T) {
	var at []int32
	for m := int32(0); m < 1440; m += 30 {
		at = append(at, m)
	}
	r := replay(t, called(1440, at...), peer(t, "hybrid"), simulation.Options{})
	if r.ColdStarts != 1 || r.Prewarms < 40 || r.InstanceMinutes > 47*9 {
		t.Errorf("got %+v, want one cold start and a few minutes ahead of each call", r.Usage)
	}
}

func TestASeriesOfLongIdleTimesIsForecastByTheHybridPolicy(t *testing.T) {
	var at []int32
	for m := int32(0); m < 4*1440; m += 300 {
		at = append(at, m)
	}
	r := replay(t, called(4*1440, at...), peer(t, "hybrid"), simulation.Options{})
	if r.ColdStarts > 3 {
		t.Errorf("got %d cold starts of %d, want the series to be foreseen", r.ColdStarts, len(at))
	}
}

// The same trace and policy give the same result, however often and beside
// whatever they are asked for.
func TestReplaysAreDeterministic(t *testing.T) {
	trace := generated(t, "mixed,services=20")
	o := simulation.Options{Start: time.Second, Services: true, Series: true}
	policies := []simulation.Policy{ours(), peer(t, "hybrid"), ours(), peer(t, "hybrid")}
	results, err := simulation.All(t.Context(), trace, policies, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, first := range results[:2] {
		again := results[i+2]
		if diff := cmp.Diff(first.Usage, again.Usage); diff != "" {
			t.Errorf("%s (-first +again):\n%s", first.Name, diff)
		}
		if !slices.Equal(first.Series, again.Series) || !slices.Equal(first.Services, again.Services) || first.Wait != again.Wait {
			t.Errorf("%s: minutes, services or waits differ", first.Name)
		}
	}
	for _, what := range []string{"mixed,services=20", "fleet,services=40,days=2"} {
		if diff := cmp.Diff(generated(t, what), generated(t, what)); diff != "" {
			t.Errorf("the generator made another trace:\n%s", diff)
		}
	}
	if cmp.Equal(trace.Services, generated(t, "mixed,services=20,seed=2").Services) {
		t.Error("another seed made the same trace")
	}
}

// The ratio that the policy is held to, on the real trace where it is there, for
// all of its functions and for halves of them, each learnt from nothing.
func TestColdStartsAgainstAFixedKeepAlive(t *testing.T) {
	type try struct {
		name  string
		trace *simulation.Trace
		most  float64
	}
	tries := []try{{"generated", generated(t, "mixed,services=30"), 0.42}}
	if !raced {
		tries = append(tries, try{"fleet", generated(t, "fleet,services=60,days=3"), 0.42})
	}
	if real := azure(t); real != nil && !raced { // ten times as slow, and a replay is one goroutine
		tries = append(tries, try{"azure", real, 0.36}, try{"azure, half of it", half(real, rand.New(rand.NewPCG(5, 6)), 0), 0.42}, try{"azure, the other half", half(real, rand.New(rand.NewPCG(5, 6)), 1), 0.42})
	}
	for _, tt := range tries {
		t.Run(tt.name, func(t *testing.T) {
			fixed := replay(t, tt.trace, peer(t, "fixed:10m"), simulation.Options{})
			if tt.name == "azure" && (fixed.ColdStarts != 1998 || fixed.InstanceMinutes != 98_208) {
				t.Errorf("fixed keep-alive has %d cold starts at %d, want 1998 at 98208", fixed.ColdStarts, fixed.InstanceMinutes)
			}
			r, err := simulation.Within(tt.trace, ours(), simulation.Options{}, fixed.InstanceMinutes)
			if err != nil {
				t.Fatal(err)
			}
			ratio := float64(r.ColdStarts) / float64(fixed.ColdStarts)
			t.Logf("%.3f: %d cold starts at %d against %d at %d", ratio, r.ColdStarts, r.InstanceMinutes, fixed.ColdStarts, fixed.InstanceMinutes)
			if ratio > tt.most || r.InstanceMinutes > fixed.InstanceMinutes {
				t.Errorf("%.3f of the cold starts at %d of %d instance-minutes, want at most %.2f", ratio, r.InstanceMinutes, fixed.InstanceMinutes, tt.most)
			}
		})
	}
}

func azure(t testing.TB) *simulation.Trace {
	t.Helper()
	const path = "../../shared/data/traces/azure-2019-200"
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	trace, err := simulation.Azure(path)
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

func TestABudgetIsKept(t *testing.T) {
	trace := generated(t, "mixed,services=30")
	for _, budget := range []int64{6_000, 10_000, 20_000} {
		r, err := simulation.Within(trace, ours(), simulation.Options{}, budget)
		if err != nil {
			t.Fatal(err)
		}
		if r.InstanceMinutes > budget || r.InstanceMinutes < budget*97/100 {
			t.Errorf("budget %d: %d instance-minutes, want no more and nearly all", budget, r.InstanceMinutes)
		}
	}
	if _, err := simulation.Within(trace, ours(), simulation.Options{}, 100); err == nil || !strings.Contains(err.Error(), "cannot be met") {
		t.Errorf("budget 100: %v, want that it cannot be met", err)
	}
}

// With a max above one the count follows the load, under the same rules as in an
// agent, and what a window asks for is there.
func TestCountsFollowLoadAndWindows(t *testing.T) {
	trace := called(120)
	for m := int32(10); m < 50; m++ {
		n := int32(60)
		if m >= 20 && m < 30 {
			n = 60 * 20
		}
		trace.Services[0].Calls = append(trace.Services[0].Calls, simulation.Calls{Minute: m, Number: n})
	}
	p := ours()
	p.Scale.Max, p.Scale.Concurrency, p.Scale.MaxConcurrency = 10, 4, 8
	p.Scale.Windows = []service.Window{{Name: "one", Cron: "30 1 * * *", Duration: service.Duration{Duration: 10 * time.Minute}, Min: 3}}
	r := replay(t, trace, p, simulation.Options{Start: time.Second, Series: true})
	for minute, want := range map[int][2]int64{5: {0, 0}, 15: {1, 1}, 22: {7, 8}, 49: {1, 2}, 95: {3, 3}, 119: {0, 0}} {
		if got := r.Series[minute].Instances; got < want[0] || got > want[1] {
			t.Errorf("minute %d: %d instances, want %d to %d", minute, got, want[0], want[1])
		}
	}
}

func TestOwnSamplesAreRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "samples.jsonl")
	var text strings.Builder
	line := func(service, start string, width, calls int) {
		fmt.Fprintf(&text, `{"service": %q, "start": %q, "width_s": %d, "calls": %d, "busy_s": %d, "memory": 64}`+"\n", service, start, width, calls, 2*calls)
	}
	line("b", "2026-01-02T03:04:55Z", 5, 1)
	line("b", "2026-01-02T03:04:50Z", 5, 2)
	line("a", "2026-01-02T03:06:00Z", 120, 5)
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := simulation.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	want := &simulation.Trace{
		Name: "samples.jsonl", Start: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Minutes: 4,
		Services: []simulation.Service{
			{Name: "a", Memory: 64, Run: 2 * time.Second, Calls: []simulation.Calls{{Minute: 2, Number: 2}, {Minute: 3, Number: 3}}},
			{Name: "b", Memory: 64, Run: 2 * time.Second, Calls: []simulation.Calls{{Minute: 0, Number: 3}}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("trace (-want +got):\n%s", diff)
	}
}

func TestPlotsAreDrawn(t *testing.T) {
	trace := generated(t, "cron,services=5")
	r := replay(t, trace, ours(), simulation.Options{Series: true})
	curves := []simulation.Curve{{Name: "dynsvc", Points: []simulation.Point{{Setting: "a", ColdStarts: 100, InstanceMinutes: 10}, {Setting: "b", ColdStarts: 10, InstanceMinutes: 100}}}}
	for name, begin := range map[string]string{"out.svg": "<?xml", "out.png": "\x89PNG"} {
		file := filepath.Join(t.TempDir(), name)
		if err := simulation.Plot(file, trace, []*simulation.Result{r}, curves); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(data), begin) || len(data) < 5000 {
			t.Errorf("%s: %d bytes that begin with %q", name, len(data), data[:min(8, len(data))])
		}
	}
}

// Calls that are simulated in a second, on the real trace where it is there.
func BenchmarkReplay(b *testing.B) {
	trace := generated(b, "mixed,services=200")
	if real, err := simulation.Azure("../../shared/data/traces/azure-2019-200"); err == nil {
		trace = real
	}
	for b.Loop() {
		if _, err := simulation.Replay(trace, ours(), simulation.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(trace.Total())*float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}
