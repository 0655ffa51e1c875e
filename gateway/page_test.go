package gateway_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

func TestABrowserGetsAPageWhileTheServiceStarts(t *testing.T) {
	browser := []string{"Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
	k := newKit(t, func(s *setup) { s.version.Wait = service.Page })
	r := k.get("/svc/Echo/ui", browser...)
	r.must(t, http.StatusServiceUnavailable, "<h1>Echo 1.2.0 is starting</h1>", "A machine is being found", `http-equiv="refresh"`)
	if r.header.Get("Retry-After") != "1" || r.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
		t.Errorf("header %v", r.header)
	}
	k.waitFor("it is woken", func() bool { return k.cluster.woken() == 1 })
	k.get("/svc/Echo/ui", browser...).must(t, http.StatusServiceUnavailable, "is starting")

	// Scripts, and pages that are not asked for as such, wait as ever.
	held := later(func() reply { return k.get("/svc/Echo/data", "Accept", "*/*") })
	posted := later(func() reply { return k.post("/svc/Echo/form", "a=b", browser...) })
	k.waitFor("both wait", func() bool { return k.load().Queued == 2 })
	k.gw.Apply(state(1, k.backend(hello)))
	(<-held).must(t, http.StatusOK, "hello")
	(<-posted).must(t, http.StatusOK, "hello")
	k.get("/svc/Echo/ui", browser...).must(t, http.StatusOK, "hello")
	if n := k.cluster.woken(); n != 1 {
		t.Errorf("%d wakes", n)
	}
}

func TestAPageSaysWhyTheServiceDoesNotStart(t *testing.T) {
	k := newKit(t, func(s *setup) { s.version.Wait = service.Page })
	k.gw.Apply(state(1))
	st := state(1)
	st.Failure = &service.Failure{Cause: service.BadImage, Text: "the image cannot be had", Final: true, At: time.Now()}
	k.gw.Apply(st)
	k.waitFor("it is broken", func() bool { return k.phase() == service.Broken })
	r := k.get("/svc/Echo/ui", "Accept", "text/html")
	r.must(t, http.StatusServiceUnavailable, "Echo 1.2.0 could not be started: the image cannot be had")
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestABrowserIsHeldWhereNoPageIsWanted(t *testing.T) {
	k := newKit(t)
	call := later(func() reply { return k.get("/svc/Echo/", "Accept", "text/html") })
	k.waitFor("it waits", func() bool { return k.load().Queued == 1 })
	k.gw.Apply(state(1, k.backend(hello)))
	(<-call).must(t, http.StatusOK, "hello")
}

// Who waits for an event stream hears comment lines until the events come.
func TestAnEventStreamBeatsWhileTheServiceStarts(t *testing.T) {
	events := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: one\n\ndata: two\n\n")
		case "/other":
			http.Error(w, "no such thing", http.StatusNotFound)
		}
	}
	tests := []struct {
		name string
		path string
		up   func(*kit)
		want []string // what follows the comments, in order
	}{
		{"events", "/events", func(k *kit) { k.gw.Apply(state(1, k.backend(events))) }, []string{"data: one\n\ndata: two\n\n"}},
		{"another answer", "/other", func(k *kit) { k.gw.Apply(state(1, k.backend(events))) },
			[]string{"event: error\ndata: {", `"status":404`, "answered with status 404 and no event stream"}},
		{"no start", "/events", func(k *kit) {
			st := state(1)
			st.Failure = &service.Failure{Cause: service.BadImage, Text: "the image cannot be had", Final: true, At: time.Now()}
			k.gw.Apply(st)
		}, []string{"event: error\ndata: {", `"status":503`, "the image cannot be had", `"cause":"bad_image"`}},
	}
	for _, protocol := range []service.Protocol{service.HTTP1, service.H2C} {
		for _, tt := range tests {
			t.Run(tt.name+string(protocol), func(t *testing.T) {
				k := newKit(t, func(s *setup) {
					s.opts.Heartbeat = 5 * time.Millisecond
					s.version.Run.Protocol = protocol
				})
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, k.url+"/svc/Echo"+tt.path, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Accept", "text/event-stream")
				res, err := k.client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = res.Body.Close() }()
				if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("X-Request-Id") == "" {
					t.Errorf("%s, %v", res.Status, res.Header)
				}
				in := bufio.NewReader(res.Body)
				for range 3 {
					if line, err := in.ReadString('\n'); err != nil || line != ": Echo 1.2.0 is starting\n" {
						t.Fatalf("got %q, %v", line, err)
					}
					if line, err := in.ReadString('\n'); err != nil || line != "\n" {
						t.Fatalf("got %q, %v", line, err)
					}
				}
				if protocol == service.H2C && tt.name != "no start" {
					k.gw.Apply(state(1, k.h2c(events)))
				} else {
					tt.up(k)
				}
				rest, err := io.ReadAll(in)
				if err != nil {
					t.Errorf("rest: %v", err)
				}
				text := strings.ReplaceAll(string(rest), ": Echo 1.2.0 is starting\n\n", "")
				for _, want := range tt.want {
					i := strings.Index(text, want)
					if i < 0 {
						t.Fatalf("lacks %q: %q", want, rest)
					}
					text = text[i+len(want):]
				}
				k.waitFor("nothing in flight", func() bool { return k.load().InFlight == 0 })
			})
		}
	}
}

// What may be answered with JSON is not begun as an event stream.
func TestACallerThatTakesOtherThingsHearsNoComments(t *testing.T) {
	k := newKit(t, func(s *setup) { s.opts.Heartbeat = time.Millisecond })
	call := later(func() reply { return k.get("/svc/Echo/", "Accept", "application/json, text/event-stream") })
	k.waitFor("it waits", func() bool { return k.load().Queued == 1 })
	k.gw.Apply(state(1, k.backend(hello)))
	r := <-call
	r.must(t, http.StatusOK)
	if r.body != "hello" {
		t.Errorf("body %q", r.body)
	}
}
