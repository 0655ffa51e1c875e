package sdk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/sdk"
)

// logbook keeps the lines of a log.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logbook) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// lines returns those with that message.
func (l *logbook) lines(t *testing.T, msg string) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []map[string]any
	for _, text := range bytes.Split(bytes.TrimSpace(l.buf.Bytes()), []byte("\n")) {
		var line map[string]any
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatalf("%v in the log line %q", err, text)
		}
		if line["msg"] == msg {
			found = append(found, line)
		}
	}
	return found
}

// noLeaks fails the test when it ends with more goroutines of the package than
// it began with.
func noLeaks(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		var left string
		for range 200 {
			if left = ours(); left == "" {
				return
			}
			time.Sleep(5 * time.Millisecond) //nolint:forbidigo // goroutines that end cannot be waited for
		}
		t.Errorf("goroutines were left behind:\n%s", left)
	})
}

func ours() string {
	stacks := make([]byte, 1<<20)
	var left []string
	for one := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if strings.Contains(one, "dynsvc/sdk.") && !strings.Contains(one, "sdk_test.") {
			left = append(left, one)
		}
	}
	return strings.Join(left, "\n\n")
}

// serving is a module on a port of its own.
type serving struct {
	url  string
	stop context.CancelFunc
	done chan error
}

func serve(t *testing.T, m *sdk.Module) *serving {
	t.Helper()
	noLeaks(t)
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &serving{url: "http://" + ln.Addr().String() + "/", stop: stop, done: make(chan error, 1)}
	go func() { s.done <- m.Serve(ctx, ln) }()
	t.Cleanup(func() { stop(); http.DefaultClient.CloseIdleConnections() })
	return s
}

func (s *serving) call(ctx context.Context, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}
