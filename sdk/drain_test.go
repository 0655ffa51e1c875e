package sdk_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/sdk"
)

// stuck registers a function that waits for its context, and says so.
func stuck(m *sdk.Module) (begun chan struct{}, ended chan error) {
	begun, ended = make(chan struct{}), make(chan error, 1)
	sdk.Handle(m, "stuck", func(ctx context.Context, _ sdk.None) (sdk.None, error) {
		close(begun)
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return sdk.None{}, ctx.Err()
	})
	return begun, ended
}

func TestCallersWhoLeaveCancelTheirCalls(t *testing.T) {
	var book logbook
	m := newModule(sdk.Options{Logger: book.logger()})
	begun, ended := stuck(m)
	s := serve(t, m)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, _, err := s.call(ctx, `{"method":"M.stuck"}`)
		left <- err
	}()
	<-begun
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the cause is %v", err)
	}
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller got %v", err)
	}
	s.stop()
	if err := <-s.done; err != nil {
		t.Error(err)
	}
	if lines := book.lines(t, "cancelled"); len(lines) != 1 {
		t.Errorf("log: %v", lines)
	}
}

func TestDrain(t *testing.T) {
	m := newModule(sdk.Options{})
	begun, end := make(chan struct{}), make(chan struct{})
	sdk.Handle(m, "wait", func(ctx context.Context, _ sdk.None) (string, error) {
		close(begun)
		<-end
		return "finished", ctx.Err()
	})
	s := serve(t, m)
	idle, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimSuffix(s.url[len("http://"):], "/"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idle.Close() }()
	if _, err := io.WriteString(idle, "GET / HTTP/1.1\r\nHost: m\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(idle), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()

	answer := make(chan string, 1)
	go func() {
		_, text, err := s.call(context.Background(), `{"method":"M.wait"}`)
		answer <- fmt.Sprint(text, err)
	}()
	<-begun
	s.stop()
	if _, err := idle.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the idle connection was not closed: %v", err)
	}
	// The listener is closed before idle connections are.
	if conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", idle.RemoteAddr().String()); err == nil {
		_ = conn.Close()
		t.Error("a connection was accepted")
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != 503 || !strings.Contains(w.Body.String(), "STOPPING") {
		t.Errorf("health: %d %s", w.Code, w.Body)
	}
	select {
	case err := <-s.done:
		t.Fatalf("it ended with a call in flight: %v", err)
	default:
	}
	close(end)
	if got := <-answer; !strings.Contains(got, `["finished"]`) {
		t.Errorf("the call in flight got %s", got)
	}
	if err := <-s.done; err != nil {
		t.Error(err)
	}
}

func TestDrainEndsWithTheGrace(t *testing.T) {
	t.Setenv("DYNSVC_STOP_GRACE", "0.05")
	m := newModule(sdk.Options{})
	begun, ended := stuck(m)
	s := serve(t, m)
	go func() { _, _, _ = s.call(context.Background(), `{"method":"M.stuck"}`) }()
	<-begun
	s.stop()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "stopping") {
		t.Errorf("the cause is %v", err)
	}
	if err := <-s.done; err == nil || !strings.Contains(err.Error(), "1 calls took longer than the 50ms") {
		t.Error(err)
	}
}
