package conformance

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
)

func (e *echo) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := e.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func TestStopFinishesWhatIsInFlight(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt runtime) {
		e := start(t, rt) // and leaves an idle connection
		done := e.begin(t, within(t), "j1", "sleep", "[2000]")
		e.signal(t, syscall.SIGTERM)
		eventually(t, "nobody is let in", func() (bool, string) {
			conn, err := (&net.Dialer{}).DialContext(within(t), "tcp", e.addr)
			if err != nil {
				return true, ""
			}
			return false, fmt.Sprint("a connection was taken ", conn.Close())
		})
		select {
		case <-e.ended:
			t.Fatal("the program ended before the call")
		default:
		}
		r := wait(t, done)
		r.must(t, "slept")
		if got := r.header.Get("Connection"); got != "close" {
			t.Errorf("Connection %q, want close", got)
		}
		if code := e.exit(t); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
	})
}

func TestStopAnswersWhatWasSent(t *testing.T) {
	const body = `{"method":"Echo.add","params":[1,2],"id":"1"}`
	call := fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	eachRuntime(t, func(t *testing.T, rt runtime) {
		e := start(t, rt)
		var conns []net.Conn
		var readers []*bufio.Reader
		for range 20 {
			conn := e.dial(t)
			conns, readers = append(conns, conn), append(readers, bufio.NewReader(conn))
		}
		ask := func() {
			for _, conn := range conns {
				if _, err := io.WriteString(conn, call); err != nil {
					t.Fatal(err)
				}
			}
		}
		heard := func() {
			for _, r := range readers {
				if a := readAnswer(t, r); a.status != http.StatusOK {
					t.Fatalf("status %d: %s", a.status, a.body)
				}
			}
		}
		ask()
		heard() // now they are idle
		ask()
		e.signal(t, syscall.SIGTERM)
		heard()
		if code := e.exit(t); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
	})
}

func TestStopCutsWhatTakesTooLong(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt runtime) {
		e := start(t, rt, "DYNSVC_STOP_GRACE=200ms")
		done := e.begin(t, within(t), "j1", "sleep", "[60000]")
		e.signal(t, syscall.SIGTERM)
		if r := wait(t, done); r.Error.Code != -32000 || !strings.Contains(r.Error.Message, "stopping") {
			t.Errorf("status %d, %v, %s; want -32000 because the service is stopping", r.status, r.err, r.body)
		}
		if code := e.exit(t); code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
	})
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt runtime) {
		e := start(t, rt)
		done := e.begin(t, within(t), "j1", "sleep", "[60000]")
		e.signal(t, syscall.SIGTERM)
		e.said(t, 1, "stopping")
		e.signal(t, syscall.SIGTERM)
		if code := e.exit(t); code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		if r := wait(t, done); r.err == nil {
			t.Errorf("the call was answered: %s", r.body)
		}
	})
}

func TestAnInterruptStopsToo(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt runtime) {
		e := start(t, rt)
		e.signal(t, os.Interrupt)
		if code := e.exit(t); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
	})
}

func TestAWrongEnvironmentEndsWithASentence(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close() //nolint:errcheck // nothing was written
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	eachRuntime(t, func(t *testing.T, rt runtime) {
		for _, tt := range []struct {
			env  string
			want []string
		}{
			{"PORT=web", []string{"PORT", "web"}},
			{"PORT=70000", []string{"PORT", "70000"}},
			{"PORT=" + port, []string{"PORT", port}},
			{"DYNSVC_MODULE=Other", []string{"Other", "Echo"}},
			{"DYNSVC_STOP_GRACE=soon", []string{"DYNSVC_STOP_GRACE", "soon"}},
			{"LOG_LEVEL=loud", []string{"LOG_LEVEL", "loud"}},
		} {
			t.Run(tt.env, func(t *testing.T) {
				e := spawn(t, rt, tt.env)
				if code := e.exit(t); code != 1 {
					t.Errorf("exit code %d, want 1", code)
				}
				said, _ := e.out.read()
				for _, part := range tt.want {
					if !strings.Contains(said, part) {
						t.Errorf("%q does not stand in %q", part, said)
					}
				}
			})
		}
	})
}
