package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestGrace(t *testing.T) {
	tests := []struct {
		in   string
		want time.Duration
	}{
		{"45s", 45 * time.Second}, {"1m30s", 90 * time.Second}, {"5", 5 * time.Second}, {"0.5", 500 * time.Millisecond},
		{"0", 0}, {"", -1}, {"-3s", -1}, {"-3", -1}, {"soon", -1}, {"NaN", -1},
	}
	for _, tt := range tests {
		if got, err := parseGrace(tt.in); err == nil && got != tt.want || (err != nil) != (tt.want < 0) {
			t.Errorf("%q: %s, %v, want %s", tt.in, got, err, tt.want)
		}
	}
}

func TestLogLines(t *testing.T) {
	var out bytes.Buffer
	log := newLogger(&out, slog.LevelDebug, "a1")
	log.Debug("said", "level", "mine", slog.Group("g", "time", time.Unix(0, 0)))
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if at, err := time.Parse(time.RFC3339, line["time"].(string)); err != nil || at.Location() != time.UTC || !strings.Contains(out.String(), `"level":"debug"`) {
		t.Errorf("%v in %s", err, &out)
	}
}

// TestSecondSignal ends at once, although there is all the time of the world.
func TestSecondSignal(t *testing.T) {
	t.Setenv("DYNSVC_STOP_GRACE", "1h")
	m := New("M", Options{Logger: slog.New(slog.DiscardHandler)})
	begun, cause := make(chan struct{}), make(chan struct{})
	Handle(m, "stuck", func(ctx context.Context, _ None) (None, error) {
		close(begun)
		<-ctx.Done()
		close(cause)
		return None{}, nil
	})
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	signals, done := make(chan os.Signal, 2), make(chan error, 1)
	go func() { done <- m.run(context.Background(), ln, signals) }()
	go func() {
		resp, err := http.Post("http://"+ln.Addr().String(), "", strings.NewReader(`{"method":"M.stuck"}`))
		if err == nil {
			_ = resp.Body.Close()
		}
	}()
	<-begun
	signals <- syscall.SIGTERM
	signals <- syscall.SIGTERM
	<-cause
	if err := <-done; !errors.Is(err, errStopped) {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// receiver keeps the reports that are sent, with their times.
type receiver struct {
	mu      sync.Mutex
	began   time.Time
	reports []string
	hang    bool
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.reports = append(r.reports, time.Since(r.began).String()+" "+req.Method+" "+req.URL.String()+" "+string(body))
	hang := r.hang
	r.mu.Unlock()
	if hang {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: req}, nil
}

func reporting(t *testing.T, r *receiver, f func(ctx context.Context), header ...string) {
	t.Helper()
	m := New("M", Options{Logger: slog.New(slog.DiscardHandler)})
	m.client.Transport = r
	r.began = time.Now()
	Handle(m, "work", func(ctx context.Context, _ None) (None, error) {
		f(ctx)
		return None{}, nil
	})
	req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"method":"M.work"}`))
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

var jobHeader = []string{"X-Dynsvc-Job", "j1", "X-Dynsvc-Progress", "http://gateway/progress/j1"}

func TestProgressIsSentOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(receiver)
		reporting(t, r, func(ctx context.Context) {
			for i := range 25 {
				Progress(ctx, (float64(i)-1)/100, "step")
				time.Sleep(90 * time.Millisecond) //nolint:forbidigo // the clock of synctest
			}
			time.Sleep(3 * time.Second) //nolint:forbidigo // as above
			Progress(ctx, 7, "late")
			synctest.Wait()
		}, jobHeader...)
		want := []string{
			`0s POST http://gateway/progress/j1 {"progress":0,"message":"step"}`,
			`1s POST http://gateway/progress/j1 {"progress":0.1,"message":"step"}`,
			`2s POST http://gateway/progress/j1 {"progress":0.21,"message":"step"}`,
			`3s POST http://gateway/progress/j1 {"progress":0.23,"message":"step"}`,
			`5.25s POST http://gateway/progress/j1 {"progress":1,"message":"late"}`,
		}
		if got := strings.Join(r.reports, "\n"); got != strings.Join(want, "\n") {
			t.Errorf("got\n%s", got)
		}
	})
}

func TestProgressDoesNotHoldTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{hang: true}
		began := time.Now()
		var kept context.Context
		reporting(t, r, func(ctx context.Context) {
			kept = ctx
			Progress(ctx, 0.5, "half")
			synctest.Wait()
			Progress(ctx, 0.6, "more")
		}, jobHeader...)
		if took := time.Since(began); took != 0 || len(r.reports) != 1 {
			t.Errorf("took %s, sent %v", took, r.reports)
		}
		Progress(kept, 0.7, "after the call") // nobody is there to send it
	})
}

func TestProgressWithoutAJob(t *testing.T) {
	r := new(receiver)
	reporting(t, r, func(ctx context.Context) { Progress(ctx, 0.5, "half") })
	reporting(t, r, func(ctx context.Context) { Progress(ctx, 0.5, "half") }, jobHeader[2:]...)
	if len(r.reports) != 0 {
		t.Error(r.reports)
	}
}
