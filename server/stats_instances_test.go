package server_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/service"
)

// What instances used stands beside what they reserve, also in steps in which
// nobody called.
func TestStatsHaveTheInstances(t *testing.T) {
	w := open(t)
	v := w.register(t, "dev")
	until := time.Now().UTC().Truncate(time.Hour)
	for i, use := range []service.Use{{CPU: 100, Memory: 64 << 20}, {CPU: 300, Memory: 192 << 20}} {
		s := service.Vitals{Service: v.ID, Alloc: []string{"one", "two"}[i], Start: until.Add(-time.Minute), Width: 10 * time.Second,
			Time: 10 * time.Second, Critical: time.Duration(i) * 4 * time.Second, Passing: 5 * time.Second}
		s.Saw(use, 10*time.Second)
		if err := w.db.AddVitals(t.Context(), []service.Vitals{s}); err != nil {
			t.Fatal(err)
		}
	}
	var st server.Stats
	status, text, _ := w.ask(t, http.MethodGet, "/api/v1/modules/Hello/stats?for=10m&step=1m&until="+until.Format(time.RFC3339), "")
	if status != http.StatusOK {
		t.Fatalf("%d: %s", status, text)
	}
	if err := json.Unmarshal([]byte(text), &st); err != nil {
		t.Fatal(err)
	}
	if len(st.Instances) != 1 || len(st.Series) != 1 || st.Series[0].Instances == nil {
		t.Fatalf("got %s", text)
	}
	i := st.Instances[0]
	if i.CPU != 200 || i.CPUMax != 300 || i.Memory != 128 || i.MemoryMax != 192 || i.Time.Duration != 20*time.Second ||
		i.Critical.Duration != 4*time.Second || i.Unknown.Duration != 6*time.Second || i.ReservedCPU != v.Resources.CPU {
		t.Errorf("instances: %+v", i)
	}
	if got := st.Series[0].Instances.Mean; got < 0.33 || got > 0.34 { // 20 s of instances in a minute
		t.Errorf("mean count of the minute = %v", got)
	}
	_, text, _ = w.ask(t, http.MethodGet, "/api/v1/modules/Hello/stats?for=10m&instances=true&until="+until.Format(time.RFC3339), "")
	st = server.Stats{}
	if err := json.Unmarshal([]byte(text), &st); err != nil {
		t.Fatal(err)
	}
	if len(st.Instances) != 2 || st.Instances[0].Alloc != "one" || st.Instances[1].CPU != 300 {
		t.Errorf("one by one: %+v", st.Instances)
	}
}
