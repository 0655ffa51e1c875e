package conformance

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestProgressIsTold(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt runtime) {
		type report struct {
			Method, Type string
			Progress     float64
			Message      string
		}
		reports := make(chan report, 10)
		sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			r := report{Method: req.Method, Type: req.Header.Get("Content-Type")}
			if err := json.NewDecoder(req.Body).Decode(&r); err != nil {
				t.Error(err)
			}
			reports <- r
		}))
		defer sink.Close()
		e := start(t, rt)
		done := e.begin(t, within(t), "j1", "report", `[0.25,"a quarter å",1500]`, "X-Dynsvc-Progress", sink.URL+"/j1?key=x")
		wait(t, done).must(t, "reported")
		want := report{http.MethodPost, "application/json", 0.25, "a quarter å"}
		if len(reports) != 1 {
			t.Fatalf("%d reports, want 1", len(reports))
		}
		if got := <-reports; got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestProgressWaitsForNobody(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt runtime) {
		release := make(chan struct{})
		sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
		defer sink.Close()
		defer close(release)
		e := start(t, rt)
		began := time.Now()
		for range 20 {
			e.call(within(t), "report", `[0.5,"half",0]`, "X-Dynsvc-Job", "j1", "X-Dynsvc-Progress", sink.URL).must(t, "reported")
		}
		if took := time.Since(began); took > patience/2 {
			t.Errorf("20 calls took %v while nobody took their progress", took)
		}
	})
}
