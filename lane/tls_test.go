package lane_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/lane"
)

// shown is what a server of these tests shows. It gives no tickets: on a pipe nobody
// would take them.
func shown(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}}, MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true}
}

// overTLS has a server speak it.
func overTLS(config *tls.Config) func(*http.Server) {
	return func(srv *http.Server) { srv.TLSConfig = config.Clone() } // a server changes it
}

// greeted is the caller's side of a connection over TLS.
func greeted(conn net.Conn, protocols ...string) *tls.Conn {
	return tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: protocols}) //nolint:gosec // whom it speaks to is not tested here
}

func (c *client) greet(protocols ...string) *client {
	c.Conn = greeted(c.Conn, protocols...)
	c.in = bufio.NewReader(c.Conn)
	return c
}

// What is handed over, and what is not, says that it came over TLS, and over which
// version and protocol.
func TestARequestKnowsItsTLS(t *testing.T) {
	config := shown(t)
	in(t, func(t *testing.T) {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.TLS == nil {
				t.Errorf("%s says it came without TLS", r.URL)
				return
			}
			_, _ = fmt.Fprint(w, tls.VersionName(r.TLS.Version), r.TLS.NegotiatedProtocol)
		}, overTLS(config))
		for _, protocol := range []string{"", "http/1.1"} {
			c := s.client(t).greet(strings.Fields(protocol)...)
			for range 2 {
				c.say(get)
				c.want("GET", "lane", "TLS 1.3"+protocol)
			}
			for range 2 {
				c.say("GET /api HTTP/1.1\r\nHost: a\r\n\r\n")
				c.want("GET", "net/http", "TLS 1.3"+protocol)
			}
		}
	})
}

// Whoever agrees on HTTP/2 speaks it, with net/http; nobody else does over TLS.
func TestHTTP2GoesToNetHTTP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answers := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprint(w, name, " ", r.Proto, " ", r.TLS != nil)
		})
	}
	var speaks http.Protocols
	speaks.SetHTTP1(true)
	speaks.SetHTTP2(true)
	speaks.SetUnencryptedHTTP2(true)
	srv := &http.Server{Handler: answers("net/http"), TLSConfig: shown(t), Protocols: &speaks} //nolint:gosec // its callers are here
	fast := lane.New(l, srv, answers("lane"), hclog.NewNullLogger(), "/svc/")
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(fast) }()
	defer func() {
		if err := errors.Join(srv.Shutdown(t.Context()), fast.Shutdown(t.Context())); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	for want, http2 := range map[string]bool{"net/http HTTP/2.0 true": true, "lane HTTP/1.1 true": false} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: http2} //nolint:gosec // as above
		for range 2 {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+l.Addr().String()+"/svc/M", nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := (&http.Client{Transport: transport}).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(res.Body); err != nil || string(text) != want {
				t.Errorf("%q, %v, want %q", text, err, want)
			}
			_ = res.Body.Close() // only read from
		}
		transport.CloseIdleConnections()
	}
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	unasked := greeted(conn)
	defer func() { _ = unasked.Close() }()
	_, _ = io.WriteString(unasked, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") // what comes back says it
	if back, err := io.ReadAll(unasked); err != nil || len(back) > 0 {
		t.Errorf("HTTP/2 that nobody agreed on: %q, %v", back, err)
	}
}

// Who does not greet, or drips, is sent away as in time as who sends no request.
func TestWhoDoesNotGreetIsSentAway(t *testing.T) {
	config := shown(t)
	in(t, func(t *testing.T) {
		s := serve(t, echo, overTLS(config), func(srv *http.Server) { srv.ReadHeaderTimeout, srv.IdleTimeout = 10*time.Second, time.Minute })
		began := time.Now()
		ends := func(name string, c net.Conn, after time.Duration) {
			t.Helper()
			if _, err := io.Copy(io.Discard, c); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(began); took < after || took > after+5*time.Second {
				t.Errorf("%s was sent away after %s, want %s", name, took, after)
			}
		}
		silent, slow, half, idle := s.dial(), s.dial(), s.client(t).greet(), s.client(t).greet()
		_, _ = slow.Write([]byte("\x16\x03\x01\x02\x00\x01")) // the beginning of a greeting
		if err := half.Conn.(*tls.Conn).HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		idle.say(get)
		idle.want("GET", "lane", "GET /svc/M ")
		go func() { // a byte each second
			for range 60 {
				pass(time.Second)
				if _, err := slow.Write([]byte{0}); err != nil {
					return
				}
			}
		}()
		ends("who said nothing", silent, 10*time.Second)
		ends("who dripped", slow, 10*time.Second)
		ends("who sent no request", half.Conn, 10*time.Second)
		ends("who sent no other", idle.Conn, time.Minute)
	})
}

func TestPlainHTTPIsToldThatTLSIsSpoken(t *testing.T) {
	config := shown(t)
	in(t, func(t *testing.T) {
		said := func(conn net.Conn) string {
			go func() { _, _ = io.WriteString(conn, get) }() // not all of it is read
			text, _ := io.ReadAll(conn)                      // and then it is closed
			return string(text)
		}
		s := serve(t, echo, overTLS(config))
		alone := &http.Server{Handler: by("lane", http.HandlerFunc(echo)), TLSConfig: config.Clone(), ErrorLog: hclog.NewNullLogger().StandardLogger(nil)} //nolint:gosec // its callers are here
		bare := newPipes()
		go func() { _ = alone.ServeTLS(bare, "", "") }() // ends with the test
		defer func() { _ = alone.Close() }()
		if got, want := said(s.dial()), said(bare.dial()); got != want || got == "" {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// The lane ends with callers in all states that TLS has.
func TestShutdownOverTLS(t *testing.T) {
	config := shown(t)
	in(t, func(t *testing.T) {
		goOn := make(chan struct{})
		s := serve(t, func(w http.ResponseWriter, r *http.Request) { <-goOn; echo(w, r) }, overTLS(config))
		ungreeted, idle, busy := s.dial(), s.client(t).greet(), s.client(t).greet()
		if err := idle.Conn.(*tls.Conn).HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		busy.say(get)
		synctest.Wait()
		ended := make(chan error, 1)
		go func() { ended <- s.lane.Shutdown(t.Context()) }()
		if rest, err := io.ReadAll(ungreeted); err != nil || len(rest) > 0 {
			t.Errorf("who had not greeted reads %q, %v", rest, err)
		}
		idle.ends()
		close(goOn)
		if got := busy.want("GET", "lane", "GET /svc/M "); !got.closes {
			t.Error("the connection is said to be good for more")
		}
		busy.ends()
		if err := <-ended; err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
}

// A caller who leaves, and what comes meanwhile, are seen through TLS as well.
func TestOverTLSTheContextEndsWhenTheCallerLeaves(t *testing.T) {
	config := shown(t)
	in(t, func(t *testing.T) {
		goOn, left := make(chan struct{}), make(chan struct{})
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				<-goOn
				echo(w, r)
				return
			}
			_, _ = io.Copy(io.Discard, r.Body) // nobody looks before
			<-r.Context().Done()
			close(left)
		}, overTLS(config))
		c := s.client(t).greet()
		for range 3 {
			c.say(get)
			pass(time.Minute)
			c.say(get) // the next one comes while this one is answered
			pass(time.Minute)
			for range 2 {
				go func() { goOn <- struct{}{} }()
				c.want("GET", "lane", "GET /svc/M ")
			}
		}
		c.say(post("12345"))
		pass(time.Minute)
		go func() { _ = c.Close() }() // says goodbye, which somebody has to read
		<-left
	})
}
