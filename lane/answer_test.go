package lane_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
)

// answers are what a handler may do, each under a path of its own.
var answers = map[string]http.HandlerFunc{
	"nothing":         func(http.ResponseWriter, *http.Request) {},
	"small":           func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") },
	"html":            func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html><body>") },
	"html in pieces":  pieces("<ht", "ml>"+strings.Repeat("x", 4000)),
	"as much as kept": pieces(strings.Repeat("a", 2048)),
	"one more":        pieces(strings.Repeat("a", 2049)),
	"large":           pieces(strings.Repeat("b", 100_000)),
	"pieces":          pieces("one", strings.Repeat("two", 1000), "", "three"),
	"empty piece":     pieces(""),
	"flushed": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
		}
	},
	"flushed first": func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		w.Header().Set("Too", "late")
		_, _ = io.WriteString(w, "x")
	},
	"flushed, nothing": func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() },
	"length":           length("5", "hello"),
	"length 0":         length("0", ""),
	"too short":        length("9", "hello"),
	"too long":         length("3", "hello"),
	"large, length":    length("100000", strings.Repeat("c", 100_000)),
	"204":              status(204, ""),
	"204, body":        status(204, "hello"),
	"304":              status(304, "", "Content-Type", "text/plain", "Content-Length", "5", "Etag", `"a"`),
	"404":              status(404, "not here"),
	"418":              status(418, "tea"),
	"599":              status(599, "what"),
	"777":              status(777, "what", "Content-Type", "x/y"),
	"typed":            status(200, "<html>", "Content-Type", ""),
	"encoded":          status(200, "<html>", "Content-Encoding", "gzip"),
	"dated":            status(200, "x", "Date", "Thu, 01 Jan 1970 00:00:00 GMT"),
	"closed":           status(200, "x", "Connection", "close"),
	"two values":       func(w http.ResponseWriter, _ *http.Request) { w.Header()["Set-Cookie"] = []string{"a=b", "c=d"} },
	"new lines":        status(200, "x", "X-Y", " a\r\nb: c "),
	"no name":          func(w http.ResponseWriter, _ *http.Request) { w.Header()["a b"] = []string{"c"} },
	"changed too late": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("A", "1")
		w.WriteHeader(200)
		w.Header().Set("A", "2")
		w.WriteHeader(500)
		_, _ = io.WriteString(w, "x")
	},
	"trailer": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "Sum, Content-Length, Other")
		_, _ = io.WriteString(w, "x")
		w.Header().Set("Sum", "1")
		w.Header().Set("Content-Length", "2")
	},
	"trailer of which nobody knew": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "x")
		_ = http.NewResponseController(w).Flush()
		w.Header().Set(http.TrailerPrefix+"Sum", "1")
	},
	"trailer with a length": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1")
		w.Header().Set("Trailer", "Sum")
		_, _ = io.WriteString(w, "x")
		w.Header().Set("Sum", "1")
	},
	"broken off": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 5000))
		panic(http.ErrAbortHandler)
	},
	"broken off, length": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10000")
		_, _ = io.WriteString(w, strings.Repeat("x", 5000))
		panic(http.ErrAbortHandler)
	},
	"broken off at once": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"body":               echo,
	"over what": func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil {
			_, _ = fmt.Fprint(w, tls.VersionName(r.TLS.Version), r.TLS.NegotiatedProtocol, tls.CipherSuiteName(r.TLS.CipherSuite))
		}
	},
	"half a body": func(w http.ResponseWriter, r *http.Request) {
		var two [2]byte
		_, err := io.ReadFull(r.Body, two[:])
		_, _ = fmt.Fprintf(w, "%s %v", two, err)
	},
}

func pieces(all ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, text := range all {
			_, _ = io.WriteString(w, text)
		}
	}
}

func length(n, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", n)
		_, _ = io.WriteString(w, text)
	}
}

func status(code int, text string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			if w.Header()[header[i]] = []string{header[i+1]}; header[i+1] == "" {
				w.Header()[header[i]] = nil
			}
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, text)
	}
}

// TestAnswersAreThoseOfNetHTTP sends each request through the lane and to net/http
// alone, plainly and over TLS, and wants the same bytes, but for the order of headers and
// where chunks end.
func TestAnswersAreThoseOfNetHTTP(t *testing.T) {
	secure := shown(t)
	for name := range answers {
		t.Run(name, func(t *testing.T) { in(t, func(t *testing.T) { compare(t, name, nil) }) })
		t.Run(name+", TLS", func(t *testing.T) { in(t, func(t *testing.T) { compare(t, name, secure) }) })
	}
}

func compare(t *testing.T, name string, secure *tls.Config) {
	t.Helper()
	answer := func(w http.ResponseWriter, r *http.Request) {
		answers[r.Header.Get("Want")](w, r)
	}
	silent := hclog.NewNullLogger().StandardLogger(nil)
	s := serve(t, answer, func(srv *http.Server) { srv.ErrorLog, srv.TLSConfig = silent, secure.Clone() })
	alone := &http.Server{Handler: by("lane", http.HandlerFunc(answer)), ErrorLog: silent, TLSConfig: secure.Clone()} //nolint:gosec // its callers are here
	bare := newPipes()
	serves := alone.Serve
	if secure != nil {
		serves = func(l net.Listener) error { return alone.ServeTLS(l, "", "") }
	}
	go func() { _ = serves(bare) }() // ends with the test
	defer func() { _ = alone.Close() }()
	dial := func(p *pipes) net.Conn {
		if secure != nil {
			return greeted(p.dial(), "http/1.1")
		}
		return p.dial()
	}
	for _, method := range []string{"GET", "HEAD", "POST", "POST in two writes", "POST, close"} {
		got, want := talk(t, dial(s.pipes), method, name), talk(t, dial(bare), method, name)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -net/http +lane:\n%s", method, diff)
		}
	}
}

// heard is what a caller hears who makes a call and then another.
type heard struct {
	Head    []string // in the order of the alphabet
	Body    string
	Trailer http.Header
	Err     string
	Again   bool // the connection was good for another call
}

func talk(t *testing.T, conn net.Conn, method, name string) (h heard) {
	t.Helper()
	defer func() { _ = conn.Close() }()
	method, how, _ := strings.Cut(method, " ")
	method, closes := strings.CutSuffix(method, ",")
	head := method + " /svc/M HTTP/1.1\r\nHost: a\r\nWant: " + name + "\r\n"
	parts := []string{head + "\r\n"}
	if closes {
		head += "Connection: close\r\n"
	}
	if method == "POST" {
		parts = []string{head + "Content-Length: 5\r\n\r\n12345"}
	}
	if how == "in two writes" {
		parts = []string{head + "Content-Length: 5\r\n\r\n1", "2345"}
	}
	go func() {
		for _, part := range parts {
			_, _ = io.WriteString(conn, part) // the other side may have closed
		}
	}()
	var raw bytes.Buffer
	in := bufio.NewReader(io.TeeReader(conn, &raw))
	res, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		h.Err = err.Error()
		return h
	}
	defer func() { _ = res.Body.Close() }()
	text, _, _ := strings.Cut(raw.String(), "\r\n\r\n")
	for line := range strings.SplitSeq(text, "\r\n") {
		if date, ok := strings.CutPrefix(line, "Date: "); ok && !strings.Contains(date, "1970") {
			line = "Date: now"
		}
		h.Head = append(h.Head, line)
	}
	sort.Strings(h.Head)
	body, err := io.ReadAll(res.Body)
	if err != nil { // how much came before does not matter
		h.Err = err.Error()
		return h
	}
	h.Body, h.Trailer = string(body), res.Trailer
	go func() { _, _ = io.WriteString(conn, "GET /svc/M HTTP/1.1\r\nHost: a\r\nWant: small\r\n\r\n") }() // as before
	again, err := http.ReadResponse(in, nil)
	if err == nil {
		h.Again = again.StatusCode == http.StatusOK
		_ = again.Body.Close()
	}
	return h
}
