package relay

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/lane"
)

// election is who leads, as a test says.
type election struct {
	mu      sync.Mutex
	url     string
	changed chan struct{}
}

func (e *election) Leader() (string, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.url, e.changed
}

func (e *election) elect(url string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.url = url
	close(e.changed)
	e.changed = make(chan struct{})
}

// answering tells who it is, and what it was sent.
func answering(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what came is what is said
		fmt.Fprintf(w, "%s %s%s %s %q %s", name, r.Host, r.URL.RequestURI(), r.Method, body, r.Header.Get("X-Forwarded-For"))
	})
}

func relayOf(t *testing.T, hold time.Duration) (*Relay, *election, string) {
	t.Helper()
	e := &election{changed: make(chan struct{})}
	r := New(e, gateway.Proxies(nil).Forwarded, hclog.NewNullLogger())
	r.hold = hold
	srv := httptest.NewUnstartedServer(r)
	fast := lane.New(srv.Listener, srv.Config, r, hclog.NewNullLogger(), gateway.Prefix, gateway.DynServ)
	srv.Listener = fast
	srv.Start()
	t.Cleanup(func() {
		if err := fast.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		srv.Close()
	})
	return r, e, srv.URL
}

func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "dynsvc.example.org"
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

func TestRelayPassesOnToTheLeader(t *testing.T) {
	_, e, url := relayOf(t, time.Minute)
	one := httptest.NewServer(answering("one"))
	t.Cleanup(one.Close)
	e.elect(one.URL)
	want := `200 one dynsvc.example.org/svc/A@%5E1/x?y=%2F POST "hello" 127.0.0.1`
	if status, text := post(t, url+"/svc/A@%5E1/x?y=%2F", "hello"); fmt.Sprint(status, " ", text) != want {
		t.Errorf("got  %d %s\nwant %s", status, text, want)
	}
}

// A leader that trusts its relays hears from them what they know, not what their
// callers say.
func TestNobodyPretendsThroughARelay(t *testing.T) {
	ours := gateway.Proxies{netip.MustParsePrefix("127.0.0.1/32")}
	for name, tt := range map[string]struct {
		trusted        gateway.Proxies
		xff, want      string
		host, hostSeen string
	}{
		"a caller":                {nil, "6.6.6.6", "127.0.0.1 http", "evil", "dynsvc.example.org"},
		"a caller, by many":       {nil, "6.6.6.6, 127.0.0.1", "127.0.0.1 http", "evil", "dynsvc.example.org"},
		"a proxy that is trusted": {ours, "6.6.6.6, 192.0.2.1", "192.0.2.1, 127.0.0.1 https", "www", "www"},
	} {
		t.Run(name, func(t *testing.T) {
			e := &election{changed: make(chan struct{})}
			front := httptest.NewServer(New(e, tt.trusted.Forwarded, hclog.NewNullLogger()))
			t.Cleanup(front.Close)
			leader := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, strings.Join(r.Header["X-Forwarded-For"], "|"), " ", strings.Join(r.Header["X-Forwarded-Proto"], "|"), " ", strings.Join(r.Header["X-Forwarded-Host"], "|"))
			}))
			t.Cleanup(leader.Close)
			e.elect(leader.URL)
			for _, upgrade := range []string{"", "Connection: Upgrade\r\nUpgrade: websocket\r\n"} {
				conn, err := net.Dial("tcp", strings.TrimPrefix(front.URL, "http://"))
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(conn, "GET /svc/A HTTP/1.1\r\nHost: dynsvc.example.org\r\nX-Forwarded-For: %s\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: %s\r\n%s\r\n", tt.xff, tt.host, upgrade)
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(resp.Body)
				if want := tt.want + " " + tt.hostSeen; err != nil || string(text) != want {
					t.Errorf("the leader heard %q, want %q (%v)", text, want, err)
				}
				_ = errors.Join(resp.Body.Close(), conn.Close()) // only read from
			}
		})
	}
}

// A request that came while nobody led, or while the leader was gone already, is
// answered by the next one, with its body.
func TestRelayWaitsForALeader(t *testing.T) {
	r, e, url := relayOf(t, time.Minute)
	dead, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	two := httptest.NewServer(answering("two"))
	t.Cleanup(two.Close)
	for name, next := range map[string]func(){
		"another agent": func() { e.elect(two.URL) },
		"this one":      func() { r.Lead(answering("here")) },
	} {
		e.elect("")
		got := make(chan string, 2)
		for range 2 {
			go func() {
				status, text := post(t, url+"/svc/A", "the body")
				got <- fmt.Sprint(status, " ", text)
			}()
		}
		e.elect("http://" + dead.Addr().String())
		<-time.After(3 * retryPause) // it is tried in vain meanwhile
		next()
		for range 2 {
			if text := <-got; !strings.Contains(text, `200 `) || !strings.Contains(text, `/svc/A POST "the body"`) {
				t.Errorf("%s: %s", name, text)
			}
		}
		r.Lead(nil)
	}
	if err := r.Drained(t.Context()); err != nil {
		t.Error(err)
	}
}

// What a leader has read is not sent to another: it may have been done.
func TestRelaySendsNothingTwice(t *testing.T) {
	_, e, url := relayOf(t, time.Minute)
	var mu sync.Mutex
	asked := 0
	breaks := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body) // all of it came
		mu.Lock()
		defer mu.Unlock()
		asked++
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(breaks.Close)
	e.elect(breaks.URL)
	if status, text := post(t, url, "x"); status != http.StatusBadGateway || !strings.Contains(text, "may have done what was asked") {
		t.Errorf("%d %s", status, text)
	}
	mu.Lock()
	defer mu.Unlock()
	if asked != 1 {
		t.Errorf("the leader was asked %d times", asked)
	}
}

func TestRelayGivesUpWithAReason(t *testing.T) {
	_, e, url := relayOf(t, 50*time.Millisecond)
	for path, want := range map[string]int{"/healthz": 204, "/readyz": 503, "/": 503} {
		if status, text := post(t, url+path, ""); status != want || path == "/" && !strings.Contains(text, "no agent leads, and none came for 50ms") {
			t.Errorf("%s: %d %s, want %d", path, status, text, want)
		}
	}
	e.elect("http://127.0.0.1:1")
	if status, text := post(t, url+"/", ""); status != 503 || !strings.Contains(text, "the agent at http://127.0.0.1:1, which leads, could not be reached") {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := post(t, url+"/readyz", ""); status != 204 {
		t.Errorf("/readyz with a leader: %d", status)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(req); err == nil {
		_ = resp.Body.Close() // nothing was to come
		t.Error("a request that was given up was answered")
	}
}

// A leader that dies has connections that nobody uses at that moment. None of them
// may cost a call, not even one that comes at once.
func TestRelayDoesNotWriteToADeadLeader(t *testing.T) {
	_, e, url := relayOf(t, time.Minute)
	for round := range 30 {
		name := fmt.Sprint("leader ", round)
		leader := httptest.NewServer(answering(name))
		e.elect(leader.URL)
		if status, text := post(t, url+"/svc/A", "the body"); status != http.StatusOK || !strings.HasPrefix(text, name+" ") {
			t.Fatalf("%s: %d %s", name, status, text)
		}
		heir := httptest.NewServer(answering("the heir"))
		leader.CloseClientConnections()
		if err := leader.Listener.Close(); err != nil {
			t.Fatal(err)
		}
		got := make(chan string, 1)
		go func() {
			status, text := post(t, url+"/svc/A", "the body")
			got <- fmt.Sprint(status, " ", text)
		}()
		e.elect(heir.URL)
		if text := <-got; !strings.HasPrefix(text, "200 the heir ") || !strings.Contains(text, `"the body"`) {
			t.Fatalf("%s has died: %s", name, text)
		}
		leader.Close()
		heir.Close()
	}
}

// What comes and goes in pieces, or behind a body, comes through a relay as well.
func TestRelayPassesOnAllOfACall(t *testing.T) {
	_, e, url := relayOf(t, time.Minute)
	leader := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Said")
		body, _ := io.ReadAll(r.Body) // a part of what is told
		fmt.Fprintf(w, "%d bytes, length %d, agent %q", len(body), r.ContentLength, r.Header["User-Agent"])
		_ = http.NewResponseController(w).Flush() // in pieces
		fmt.Fprintf(w, ", trailer %q", r.Trailer.Get("Sum"))
		w.Header().Set("Said", "all")
		w.Header().Set(http.TrailerPrefix+"Unasked", "too")
	}))
	t.Cleanup(leader.Close)
	e.elect(leader.URL)
	body := strings.Repeat("0123456789", 50_000)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, io.NopCloser(strings.NewReader(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User-Agent", "")
	req.Trailer = http.Header{"Sum": {"42"}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if want := `500000 bytes, length -1, agent [], trailer "42"`; string(text) != want {
		t.Errorf("%s, want %s", text, want)
	}
	if fmt.Sprint(resp.Trailer) != "map[Said:[all] Unasked:[too]]" {
		t.Errorf("trailer %v", resp.Trailer)
	}
}

// A leader may answer before it has read all, as one does that refuses a body.
func TestRelayPassesOnAnEarlyAnswer(t *testing.T) {
	_, e, url := relayOf(t, time.Minute)
	leader := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	}))
	t.Cleanup(leader.Close)
	e.elect(leader.URL)
	dripping, drip := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, dripping)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(drip, "the first of many") }() // and no more
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s %v", resp.StatusCode, text, err)
	}
	_ = drip.Close() // lets the client's writer end
}

// A WebSocket goes through a relay, also when its leader is found late.
func TestRelayTunnels(t *testing.T) {
	_, e, url := relayOf(t, time.Minute)
	leader := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = rw.Flush() // who reads it finds out
		line, _ := rw.ReadString('\n')
		fmt.Fprintf(rw, "you said %s", line)
		_ = rw.Flush() // as above
	}))
	t.Cleanup(leader.Close)
	e.elect("http://127.0.0.1:1") // nobody is there
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	e.elect(leader.URL)
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Fprintln(conn, "hello")
	if text, err := io.ReadAll(in); err != nil || resp.StatusCode != http.StatusSwitchingProtocols || string(text) != "you said hello\n" {
		t.Errorf("%d %q, %v", resp.StatusCode, text, err)
	}
}
