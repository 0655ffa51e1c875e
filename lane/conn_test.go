package lane_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const get = "GET /svc/M HTTP/1.1\r\nHost: a\r\n\r\n"

func post(body string) string {
	return "POST /svc/M HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n" + body
}

// in runs a test in a bubble of its own time, in which nothing may be left at its end.
func in(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func (c *client) want(method, by, body string) said {
	c.t.Helper()
	got := c.hear(method)
	if got.body != body || got.by != by {
		c.t.Errorf("%s answered %q, want %s to answer %q", got.by, got.body, by, body)
	}
	return got
}

// pass lets the bubble's time pass.
func pass(d time.Duration) { <-time.After(d) }

func TestAConnectionServesCallAfterCall(t *testing.T) {
	in(t, func(t *testing.T) {
		c := serve(t, echo).client(t)
		for range 3 {
			c.say(get)
			c.want("GET", "lane", "GET /svc/M ")
			c.say(post("12345"))
			c.want("POST", "lane", "POST /svc/M 12345")
			c.say(post("12")) // the rest of a body comes when it comes
			pass(time.Minute)
			c.say("345")
			c.want("POST", "lane", "POST /svc/M 12345")
		}
	})
}

func TestCallsThatCameTogetherAreAnsweredInTheirOrder(t *testing.T) {
	in(t, func(t *testing.T) {
		c := serve(t, echo).client(t)
		go func() { _, _ = io.WriteString(c.Conn, get+post("12345")+post("abcde")+"GET /svc/M HTTP/1.1\r\nHos") }() // what does not arrive is missed below
		c.want("GET", "lane", "GET /svc/M ")
		c.want("POST", "lane", "POST /svc/M 12345")
		c.want("POST", "lane", "POST /svc/M abcde")
		c.say("t: a\r\n\r\n")
		c.want("GET", "lane", "GET /svc/M ")
	})
}

func TestAnEmptyLineBehindABodyIsSkipped(t *testing.T) {
	in(t, func(t *testing.T) {
		c := serve(t, echo).client(t)
		for range 2 {
			c.say(post("12345") + "\r\n")
			c.want("POST", "lane", "POST /svc/M 12345")
			c.say(post("12345"))
			c.want("POST", "lane", "POST /svc/M 12345")
			pass(time.Second)
			c.say("\r\n")
			c.say(get)
			c.want("GET", "lane", "GET /svc/M ")
		}
		go func() { _, _ = io.WriteString(c.Conn, "\r\n"+get) }() // the connection is closed meanwhile
		if got := c.hear("GET"); got.status != http.StatusBadRequest {
			t.Errorf("an empty line behind no body: %+v", got)
		}
	})
}

// A head comes in as many pieces as it likes, and may be longer than most. Where its first
// line is not whole at once net/http has it; all is answered alike.
func TestAHeadComesInPieces(t *testing.T) {
	long := "Cookie: " + strings.Repeat("x", 9000) + "\r\n"
	text := "POST /svc/M HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n" + long + "\r\n12345"
	line := strings.Index(text, "\r\n") + 2
	for _, cut := range []int{1, 10, line - 1, line, line + 1, 40, 60, 4095, 4096, 4097, 8192, len(text) - 9, len(text) - 7, len(text) - 6, len(text) - 5, len(text) - 1} {
		in(t, func(t *testing.T) {
			c := serve(t, echo).client(t)
			for range 2 {
				c.say(text[:cut])
				pass(5 * time.Second)
				c.say(text[cut:])
				by := "lane"
				if cut < line {
					by = "net/http"
				}
				c.want("POST", by, "POST /svc/M 12345")
			}
			c.say(get[:20])
			pass(time.Second)
			for i := range len(get) - 20 { // byte by byte
				c.say(get[20+i : 21+i])
			}
			c.hear("GET")
		})
	}
}

// Who does not end a head has as much time for it as with net/http, and is not waited
// for longer when everything ends.
func TestAHeadThatDoesNotEnd(t *testing.T) {
	in(t, func(t *testing.T) {
		s := serve(t, echo, func(srv *http.Server) { srv.ReadHeaderTimeout = 10 * time.Second })
		c := s.client(t)
		began := time.Now()
		dripped := make(chan struct{})
		go func() {
			defer close(dripped)
			c.say("GET /svc/M HTTP/1.1\r\nX: ")
			for err := error(nil); err == nil; _, err = io.WriteString(c.Conn, "x") {
				pass(time.Second)
			}
		}()
		c.ends()
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("was sent away after %s", took)
		}
		<-dripped
		last := s.client(t)
		last.say("GET /svc/M HTTP/1.1\r\nHost: ")
		synctest.Wait()
		ended := make(chan error, 1)
		go func() { ended <- s.lane.Shutdown(t.Context()) }()
		synctest.Wait()
		last.say("a\r\n\r\n")
		if got := last.want("GET", "lane", "GET /svc/M "); !got.closes {
			t.Error("the connection is said to be good for more")
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// What the lane does not take is answered by net/http, from its first byte on, also
// after calls that the lane took.
func TestWhatTheLaneDoesNotTakeIsHandedOver(t *testing.T) {
	chunked := "POST /svc/M HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n0\r\n\r\n"
	for name, tt := range map[string]struct{ say, more, want string }{
		"another path": {"GET /api HTTP/1.1\r\nHost: a\r\n\r\n", "", "GET /api "},
		"chunks":       {chunked, "", "POST /svc/M 123"},
		"HTTP/1.0":     {"GET /svc/M HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "", "GET /svc/M "},
		"long head":    {"GET /svc/M HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 20_000) + "\r\n\r\n", "", "GET /svc/M "},
		"in pieces":    {"GET /svc/M HT", "TP/1.1\r\nHost: a\r\n\r\n", "GET /svc/M "},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T) {
				for _, before := range []bool{false, true} {
					c := serve(t, echo).client(t)
					if before {
						c.say(post("12345"))
						c.want("POST", "lane", "POST /svc/M 12345")
					}
					c.say(tt.say)
					if tt.more != "" {
						c.say(tt.more)
					}
					c.want("GET", "net/http", tt.want)
					c.say(get) // and it stays there
					c.want("GET", "net/http", "GET /svc/M ")
				}
			})
		})
	}
}

func TestTwoLengthsAreRefusedByNetHTTP(t *testing.T) {
	in(t, func(t *testing.T) {
		c := serve(t, echo).client(t)
		go func() {
			_, _ = io.WriteString(c.Conn, "POST /svc/M HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n123") // it is closed meanwhile
		}()
		if got := c.hear("POST"); got.status != http.StatusBadRequest {
			t.Errorf("status %d", got.status)
		}
		c.ends()
	})
}

func TestWhoSendsNothingIsSentAway(t *testing.T) {
	in(t, func(t *testing.T) {
		s := serve(t, echo, func(srv *http.Server) { srv.ReadHeaderTimeout, srv.IdleTimeout = 10*time.Second, time.Minute })
		silent, idle, slow := s.client(t), s.client(t), s.client(t)
		began := time.Now()
		idle.say(get)
		idle.want("GET", "lane", "GET /svc/M ")
		slow.say("GET /svc")
		ended := func(name string, c *client, after time.Duration) {
			c.ends()
			if took := time.Since(began); took < after || took > after+5*time.Second {
				t.Errorf("%s was sent away after %s, want %s", name, took, after)
			}
		}
		ended("who said nothing", silent, 10*time.Second)
		if _, err := io.ReadAll(slow.in); err != nil { // net/http closes it, and may say why
			t.Errorf("slow: %v", err)
		}
		ended("who said nothing more", idle, time.Minute)
	})
}

func TestTheContextEndsWhenTheCallerLeaves(t *testing.T) {
	for name, say := range map[string]string{"without a body": get, "with its body": post("12345"), "before its body": post("12")} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T) {
				ended := make(chan error, 1)
				s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
					_, err := io.ReadAll(r.Body)
					<-r.Context().Done()
					ended <- err
				})
				c := s.client(t)
				c.say(say)
				pass(time.Hour)
				select {
				case err := <-ended:
					t.Fatalf("ended before: %v", err)
				default:
				}
				_ = c.Close()
				if err := <-ended; (err != nil) != (name == "before its body") {
					t.Errorf("reading the body: %v", err)
				}
			})
		})
	}
}

// Whoever waits for a caller to leave must not swallow the next request.
func TestWhatComesWhileACallIsAnsweredIsTheNext(t *testing.T) {
	in(t, func(t *testing.T) {
		goOn := make(chan struct{})
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				<-goOn
			}
			echo(w, r)
		})
		c := s.client(t)
		for range 3 {
			c.say(get)
			pass(time.Minute)
			c.say(post("12345"))
			pass(time.Minute)
			go func() { goOn <- struct{}{} }()
			c.want("GET", "lane", "GET /svc/M ")
			c.want("POST", "lane", "POST /svc/M 12345")
			c.say(get)
			pass(time.Minute)
			go func() { goOn <- struct{}{} }()
			c.want("GET", "lane", "GET /svc/M ")
		}
	})
}

// A reader that outlives its request gets nothing of the next.
func TestABodyIsNotReadAfterItsCall(t *testing.T) {
	in(t, func(t *testing.T) {
		var late io.Reader
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if late != nil {
				if n, err := late.Read(make([]byte, 8)); n > 0 || err == nil {
					t.Errorf("a body of before gave %d bytes", n)
				}
			}
			late = r.Body
			echo(w, r)
		})
		c := s.client(t)
		c.say(post("12345"))
		c.want("POST", "lane", "POST /svc/M 12345")
		c.say(post("abcde"))
		c.want("POST", "lane", "POST /svc/M abcde")
	})
}

func TestAnAnswerComesThoughTheBodyDoesNot(t *testing.T) {
	in(t, func(t *testing.T) {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "no") })
		c := s.client(t)
		c.say(post("12"))
		if got := c.want("POST", "lane", "no"); !got.closes {
			t.Error("the connection is said to be good for more")
		}
		c.ends()
	})
}

func TestADeadlineForReadingHoldsForTheBodyAndEndsTheCall(t *testing.T) {
	in(t, func(t *testing.T) {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Second))
			_, err := io.ReadAll(r.Body)
			if err == nil || r.Context().Err() == nil {
				t.Errorf("error %v, context %v", err, r.Context().Err())
			}
			http.Error(w, "slow", http.StatusRequestTimeout)
		})
		c := s.client(t)
		c.say(post("12"))
		if got := c.hear("POST"); got.status != http.StatusRequestTimeout || !got.closes {
			t.Errorf("status %d, closed %v", got.status, got.closes)
		}
		c.ends()
	})
}

func TestAPanicEndsTheConnectionAndIsLogged(t *testing.T) {
	in(t, func(t *testing.T) {
		s := serve(t, func(http.ResponseWriter, *http.Request) { panic("oh") })
		c := s.client(t)
		c.say(get)
		c.ends()
		s.stop()
		if text := s.log.String(); !strings.Contains(text, "oh") || !strings.Contains(text, "conn_test.go") {
			t.Errorf("log: %q", text)
		}
	})
}

func TestShutdownLetsCallsEnd(t *testing.T) {
	in(t, func(t *testing.T) {
		goOn := make(chan struct{})
		s := serve(t, func(w http.ResponseWriter, r *http.Request) { <-goOn; echo(w, r) })
		idle, busy := s.client(t), s.client(t)
		busy.say(get)
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.lane.Shutdown(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shutdown with a call open: %v", err)
		}
		idle.ends()
		ended := make(chan error, 1)
		go func() { ended <- s.lane.Shutdown(t.Context()) }()
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

func TestAbortEndsEverything(t *testing.T) {
	in(t, func(t *testing.T) {
		s := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		c := s.client(t)
		c.say(get)
		synctest.Wait()
		if err := s.lane.Abort(); err != nil {
			t.Error(err)
		}
		c.ends()
	})
}
