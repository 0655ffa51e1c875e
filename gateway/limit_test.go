package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/service"
)

// What a service does is said by the call's body or path.
func sluggish(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch said := string(body) + r.URL.Path; {
	case strings.Contains(said, "silent"):
		<-r.Context().Done()
	case strings.Contains(said, "stalls"):
		_, _ = io.WriteString(w, "a beginning")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	case strings.Contains(said, "drips"): // for ever, and never idle
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, ".")
			w.(http.Flusher).Flush()
			<-tick.C
		}
	default:
		_, _ = fmt.Fprint(w, len(body))
	}
}

func TestEachLimitEndsACallAndSaysSo(t *testing.T) {
	short, long := seconds(0.05), seconds(60)
	of := func(l service.Limits) func(*setup) { return func(s *setup) { s.version.Limits = l } }
	tests := []struct {
		name   string
		change func(*setup)
		path   string
		body   string
		want   string // the text; empty: the answer had begun and is cut off
	}{
		{"first byte", of(service.Limits{FirstByte: short, Idle: long, Total: long}), "/silent", "",
			`Echo 1.2.0 did not begin to answer the call within 50ms, its limit \"first_byte\"`},
		{"total", of(service.Limits{FirstByte: long, Total: short}), "/silent", "",
			`Echo 1.2.0 did not answer the call within 50ms, its limit \"total\"`},
		{"idle", of(service.Limits{FirstByte: long, Idle: short}), "/stalls", "", ""},
		{"total of a stream", of(service.Limits{Idle: seconds(0.04), Total: seconds(0.3)}), "/drips", "", ""},
		{"of a method", func(s *setup) {
			s.version.Limits = service.Limits{FirstByte: long, Total: long}
			s.version.Methods = []service.Method{{Name: "silent", Timeout: long, Limits: service.Limits{FirstByte: short}}}
		}, "/", `{"version":"1.1","method":"Echo.silent","id":"1"}`, `did not begin to answer silent within 50ms, its limit \"first_byte\"`},
		{"timeout of a method", func(s *setup) { s.version.Methods = []service.Method{{Name: "silent", Timeout: short}} },
			"/", `{"version":"1.1","method":"Echo.silent","id":"1"}`, `did not answer silent within 50ms, its limit \"timeout\"`},
		{"of a method that is not declared", of(service.Limits{Total: short}),
			"/", `{"version":"1.1","method":"Echo.silent","id":"1"}`, `did not answer the call within 50ms, its limit \"total\"`},
		{"the operator's", func(s *setup) {
			s.version.Limits = service.Limits{Total: long}
			s.opts.Maxima = service.Limits{Total: short}
		}, "/silent", "", `within 50ms`},
		{"the operator's alone", func(s *setup) { s.opts.Maxima = service.Limits{FirstByte: short} }, "/silent", "", `within 50ms`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := newKit(t, tt.change)
			k.up(k.backend(sluggish))
			method := http.MethodGet
			if tt.body != "" {
				method = http.MethodPost
			}
			r := k.do(t.Context(), method, "/svc/Echo"+tt.path, tt.body)
			if tt.want != "" {
				r.must(t, http.StatusGatewayTimeout, tt.want)
			} else if r.err == nil || r.status != http.StatusOK {
				t.Errorf("want an answer that breaks off, got %+v", r)
			}
			k.waitFor("the lease came back", func() bool { return k.load().InFlight == 0 })
			k.waitFor("it answers as before", func() bool { return k.get("/svc/Echo/").status == http.StatusOK }) // on a busy machine not always within short
			if p := k.phase(); p != service.Ready {
				t.Errorf("phase %s", p)
			}
		})
	}
}

func TestTheLimitOfWaitingIsOfTheVersionAndOfTheMethod(t *testing.T) {
	k := newKit(t, func(s *setup) {
		s.version.Limits.Wait = seconds(0.03)
		s.version.Methods = []service.Method{{Name: "hi", Limits: service.Limits{Wait: seconds(0.06)}}}
	})
	k.get("/svc/Echo/").must(t, http.StatusGatewayTimeout, `had no instance free within 30ms, its limit \"wait\"`)
	k.post("/svc/Echo/", `{"version":"1.1","method":"Echo.hi","id":"1"}`).must(t, http.StatusGatewayTimeout, "within 60ms")
}

// An upload that goes on is not late for its first byte, one that stalls is idle.
func TestAnUploadIsNeitherIdleNorLateWhileItGoesOn(t *testing.T) {
	k := newKit(t, func(s *setup) {
		s.version.Limits = service.Limits{FirstByte: seconds(1), Idle: seconds(1)}
	})
	k.up(k.backend(sluggish))
	upload := func(pieces int) (status int, closes bool) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(k.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = io.WriteString(conn, "POST /svc/Echo/up HTTP/1.1\r\nHost: h\r\nContent-Length: 120\r\n\r\n")
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for range pieces {
			_, _ = io.WriteString(conn, "x")
			<-tick.C
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode, res.Close
	}
	if status, _ := upload(120); status != http.StatusOK { // takes longer than the limits
		t.Errorf("an upload that goes on: %d", status)
	}
	if status, closes := upload(20); status != http.StatusGatewayTimeout || !closes {
		t.Errorf("an upload that stalls: %d, close %v", status, closes)
	}
}

func TestAnIdleWebSocketIsClosed(t *testing.T) {
	k := newKit(t, func(s *setup) { s.version.Limits.Idle = seconds(1) })
	conn := openSocket(t, k)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 120 { // longer than the limit
		<-tick.C
		if err := conn.WriteMessage(websocket.TextMessage, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, _, err := conn.ReadMessage(); err != nil {
			t.Fatalf("closed although it is busy: %v", err)
		}
	}
	if _, _, err := conn.ReadMessage(); err == nil {
		t.Error("a message from nowhere")
	}
	k.waitFor("in flight 0", func() bool { return k.load().InFlight == 0 })
}

// openSocket opens a WebSocket to a service that sends back what it gets.
func openSocket(t *testing.T, k *kit) *websocket.Conn {
	t.Helper()
	up := websocket.Upgrader{}
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		if conn, err := up.Upgrade(w, r, nil); err == nil {
			defer func() { _ = conn.Close() }()
			for {
				kind, text, err := conn.ReadMessage()
				if err != nil || conn.WriteMessage(kind, text) != nil {
					return
				}
			}
		}
	}))
	conn, res, err := websocket.DefaultDialer.Dial(strings.Replace(k.url, "http", "ws", 1)+"/svc/Echo/chat", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// A page that was left open is no use of an instance, though its browser answers
// every ping: its WebSocket is closed in good order, and says so in the samples.
func TestAWebSocketOfPingsAloneIsClosed(t *testing.T) {
	k := newKit(t, func(s *setup) { s.opts.Silence = 500 * time.Millisecond })
	conn := openSocket(t, k)
	if err := conn.WriteMessage(websocket.TextMessage, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	pinged := make(chan int)
	go func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-over:
				pinged <- n
				return
			case <-tick.C:
				_ = conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second)) // until it is closed
			}
		}
	}()
	_, _, err := conn.ReadMessage()
	close(over)
	if !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("it ended with %v, want 1001", err)
	}
	if n := <-pinged; n == 0 {
		t.Error("there was no ping")
	}
	k.waitFor("in flight 0", func() bool { return k.load().InFlight == 0 })
	k.waitFor("it is recorded as late", func() bool {
		var late int64
		for _, total := range k.gw.Totals() {
			late += total.Failed[service.EndedLate]
		}
		return late == 1
	})
}

// What a version says about silence holds in place of the default, and below zero
// nobody minds.
func TestTheSilenceOfAWebSocketIsTheVersionsToChoose(t *testing.T) {
	for name, change := range map[string]func(*setup){
		"the version's":  func(s *setup) { s.opts.Silence, s.version.Limits.Idle = 20*time.Millisecond, seconds(60) },
		"the operator's": func(s *setup) { s.opts.Silence, s.opts.Maxima.Idle = 20*time.Millisecond, seconds(60) },
		"never":          func(s *setup) { s.opts.Silence = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			conn := openSocket(t, newKit(t, change))
			<-time.After(200 * time.Millisecond) // longer than the default here
			if err := conn.WriteMessage(websocket.TextMessage, []byte("x")); err != nil {
				t.Fatal(err)
			}
			if _, text, err := conn.ReadMessage(); err != nil || string(text) != "x" {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
}

// A caller that hardly sends anything of its body does not keep a place in an
// instance, unless the version itself says how long it bears silence.
func TestABodyThatDripsIsCutOff(t *testing.T) {
	for _, protocol := range []service.Protocol{service.HTTP1, service.H2C} {
		t.Run(string(protocol), func(t *testing.T) {
			k := newKit(t, func(s *setup) {
				s.opts.Pace = gateway.Pace{Window: 50 * time.Millisecond, Bytes: 1000}
				s.version.Run.Protocol = protocol
			})
			backend := k.backend
			if protocol == service.H2C {
				backend = k.h2c
			}
			k.up(backend(sluggish))
			drip := func() (status int, body string, closes bool) {
				conn := k.dial()
				_, _ = io.WriteString(conn, "POST /svc/Echo/up HTTP/1.1\r\nHost: h\r\nContent-Length: 120\r\n\r\n")
				over := make(chan struct{})
				go func() {
					defer close(over)
					tick := time.NewTicker(5 * time.Millisecond)
					defer tick.Stop()
					for range 120 {
						if _, err := io.WriteString(conn, "x"); err != nil {
							return
						}
						<-tick.C
					}
				}()
				res, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				text, _ := io.ReadAll(res.Body)
				_ = res.Body.Close()
				_ = conn.Close()
				<-over
				return res.StatusCode, string(text), res.Close
			}
			status, body, closes := drip()
			if status != http.StatusRequestTimeout || !closes || !strings.Contains(body, "bytes of the body came within 50ms of waiting for them: 1000 is the least") {
				t.Errorf("got %d, close %v: %s", status, closes, body)
			}
			k.waitFor("the lease came back", func() bool { return k.load().InFlight == 0 })
			v := service.Version{ID: echo, Module: "Echo", Version: "1.2.0", Run: service.Run{Port: 5000, Protocol: protocol, Health: service.Health{Path: "/"}}}
			v.Limits.Idle = seconds(60)
			k.gw.Publish(service.Module{Name: "Echo", Tags: map[string]service.ID{"release": echo}, Versions: []service.Version{v}})
			if status, body, _ := drip(); status != http.StatusOK {
				t.Errorf("to a version that bears it: %d: %s", status, body)
			}
		})
	}
}

// Who talks with a service both ways may be as slow as it likes.
func TestATwoWayStreamHasNoPace(t *testing.T) {
	k := newKit(t, func(s *setup) {
		s.opts.Pace = gateway.Pace{Window: 30 * time.Millisecond, Bytes: 1000}
		s.version.Run.Protocol = service.H2C
	})
	k.up(k.h2c(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(w, r.Body)
	}))
	out, in := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.url+"/svc/Echo/talk", out)
	if err != nil {
		t.Fatal(err)
	}
	res, err := k.http2().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 30 { // longer than five windows
		<-tick.C
		_, _ = io.WriteString(in, "x")
	}
	_ = in.Close()
	got, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || len(got) != 30 {
		t.Errorf("got %q, %v", got, err)
	}
}
