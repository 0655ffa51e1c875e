package sdk_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

func TestContextOfACall(t *testing.T) {
	var book logbook
	m := newModule(sdk.Options{Logger: book.logger()})
	deadline := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	sdk.Handle(m, "look", func(ctx context.Context, _ sdk.None) (string, error) {
		sdk.Logger(ctx).Info("looked")
		until, ok := ctx.Deadline()
		return fmt.Sprint(sdk.User(ctx), " ", sdk.RequestID(ctx), " ", sdk.Job(ctx), " ", sdk.Token(ctx), " ", ok && until.Equal(deadline)), nil
	})
	w := post(m.Handler(), `{"method":"M.look"}`, "X-Request-Id", "r1", "X-Dynsvc-User", "ada", "X-Dynsvc-Job", "j1",
		"X-Dynsvc-Deadline", strconv.FormatInt(deadline.UnixMilli(), 10), "Authorization", "Bearer secret")
	if !strings.Contains(w.Body.String(), `["ada r1 j1 secret true"]`) {
		t.Error(w.Body)
	}
	for _, msg := range []string{"looked", "answered"} {
		lines := book.lines(t, msg)
		if len(lines) != 1 || lines[0]["request_id"] != "r1" || lines[0]["method"] != "M.look" || lines[0]["job"] != "j1" {
			t.Errorf("%s: %v", msg, lines)
		}
		for key := range lines[0] {
			if !slices.Contains([]string{"time", "level", "msg", "request_id", "method", "job", "took_ms"}, key) {
				t.Errorf("%s has the key %s", msg, key)
			}
		}
	}

	// Without the gateway, and in tests of functions.
	if w := post(m.Handler(), `{"method":"M.look"}`); !strings.HasSuffix(w.Body.String(), `   false"]}`) {
		t.Error(w.Body)
	}
	ctx := t.Context()
	if got := sdk.User(ctx) + sdk.RequestID(ctx) + sdk.Job(ctx) + sdk.Token(ctx); got != "" || sdk.Logger(ctx) == nil {
		t.Errorf("got %q", got)
	}
	sdk.Progress(ctx, 0.5, "half")
}

func TestCausesAreInTheLog(t *testing.T) {
	var book logbook
	h := newModule(sdk.Options{Logger: book.logger()}).Handler()
	for _, method := range []string{"fail", "crash", "nan", "failing"} {
		post(h, `{"method":"M.`+method+`"}`, "X-Request-Id", method)
	}
	lines := book.lines(t, "failed")
	if len(lines) != 4 {
		t.Fatalf("%d lines", len(lines))
	}
	want := map[string]string{"fail": "secret cause", "crash": "panic: secret cause", "nan": "NaN", "failing": "panic: secret in an encoder"}
	for _, line := range lines {
		id, _ := line["request_id"].(string)
		if text, _ := line["error"].(string); line["level"] != "ERROR" || !strings.Contains(text, want[id]) {
			t.Errorf("%s: %v", id, line)
		}
		stack, _ := line["stack"].(string)
		if wanted := id == "crash" || id == "failing"; wanted != strings.Contains(stack, "sdk_test.") {
			t.Errorf("%s: the stack is %q", id, stack)
		}
	}
}

func TestDefaultLog(t *testing.T) {
	t.Setenv("LOG_LEVEL", "warning")
	t.Setenv("DYNSVC_MODULE", "FromTheEnvironment")
	m := sdk.New("", sdk.Options{})
	if m.Name() != "FromTheEnvironment" {
		t.Errorf("name = %s", m.Name())
	}
	if m.Logger().Enabled(t.Context(), slog.LevelInfo) || !m.Logger().Enabled(t.Context(), slog.LevelWarn) {
		t.Error("LOG_LEVEL was not obeyed")
	}
}

func TestStatusAndHealth(t *testing.T) {
	t.Setenv("DYNSVC_VERSION", "1.2.3")
	var sick atomic.Bool
	m := newModule(sdk.Options{
		GitURL: "https://git.example.org/m", GitCommit: "abc", HealthPath: "/healthz",
		Status: func(context.Context) sdk.Status {
			return sdk.Status{State: "DEGRADED", Message: "slow", Fields: map[string]any{"matrices": 3, "version": "mine"}}
		},
		Health: func(context.Context) error {
			if sick.Load() {
				return errors.New("the matrix is being loaded")
			}
			return nil
		},
	})
	want := `"result":[{"git_commit_hash":"abc","git_url":"https://git.example.org/m","matrices":3,"message":"slow","state":"DEGRADED","version":"1.2.3"}]`
	if w := post(m.Handler(), `{"method":"M.status"}`); !strings.Contains(w.Body.String(), want) {
		t.Error(w.Body)
	}
	get := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w
	}
	if w := get("GET", "/healthz"); w.Code != 200 || w.Body.String() != `{"message":"","state":"OK","version":"1.2.3"}` {
		t.Error(w.Code, w.Body)
	}
	if w := get("HEAD", "/healthz"); w.Code != 200 || w.Body.Len() != 0 {
		t.Error(w.Code, w.Body)
	}
	sick.Store(true)
	if w := get("GET", "/healthz"); w.Code != 503 || !strings.Contains(w.Body.String(), "the matrix is being loaded") {
		t.Error(w.Code, w.Body)
	}
	if w := get("GET", "/"); w.Code != 405 || w.Header().Get("Allow") == "" {
		t.Error(w.Code, w.Header())
	}
	if w := get("GET", "/page"); w.Code != 404 {
		t.Error(w.Code)
	}
}

func TestOther(t *testing.T) {
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page "+r.URL.Path) })
	h := newModule(sdk.Options{Other: pages}).Handler()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/a", nil))
	if w.Body.String() != "page /a" {
		t.Error(w.Body)
	}
	if w := post(h, `{"method":"M.answer"}`); !strings.Contains(w.Body.String(), "[42]") {
		t.Error(w.Body)
	}
}

func TestBodyLimit(t *testing.T) {
	m := newModule(sdk.Options{MaxBody: 1000})
	s := serve(t, m)
	large := `{"method":"M.echo","params":["` + strings.Repeat("x", 1000) + `"]}`
	if code, text, err := s.call(t.Context(), large); err != nil || code != 413 || !strings.Contains(text, "larger than 1000 bytes") {
		t.Errorf("with a length: %d %s %v", code, text, err)
	}
	resp, err := http.Post(s.url, "", io.MultiReader(strings.NewReader(large)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 413 {
		t.Errorf("without a length: %d", resp.StatusCode)
	}
	if w := post(m.Handler(), `{"method":"M.answer"}`, "Content-Encoding", "gzip"); w.Code != 415 {
		t.Errorf("compressed: %d", w.Code)
	}
}

func TestLargeBodies(t *testing.T) {
	h := newModule(sdk.Options{}).Handler()
	text := strings.Repeat("ACGT", 1<<20)
	w := post(h, `{"method":"M.echo","params":["`+text+`"]}`)
	if want := `{"version":"1.1","id":null,"result":["` + text + `"]}`; w.Body.String() != want {
		t.Errorf("%d bytes came back, want %d", w.Body.Len(), len(want))
	}
}

// TestBuffersAreNotShared lets many calls reuse memory while their parameters are still read.
func TestBuffersAreNotShared(t *testing.T) {
	m := newModule(sdk.Options{})
	sdk.Handle(m, "twice", func(_ context.Context, args sdk.Args) (string, error) {
		var a, b string
		if err := args.Decode(&a, &b); err != nil {
			return "", err
		}
		runtime.Gosched()
		var c, d string
		return a + b, errors.Join(args.Decode(&c, &d), map[bool]error{false: errSecret}[a == c && b == d])
	})
	h := m.Handler()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 300 {
				one := strings.Repeat(strconv.Itoa(g), i)
				body := fmt.Sprintf(`{"id":%d,"method":"M.twice","params":[%q,"-%d"]}`, i, one, i)
				if i%2 == 0 {
					body = fmt.Sprintf(`{"id":%d,"method":"M.echo","params":["%s-%d"]}`, i, one, i)
				}
				want := fmt.Sprintf(`{"version":"1.1","id":%d,"result":["%s-%d"]}`, i, one, i)
				if w := post(h, body); w.Body.String() != want {
					t.Errorf("got %s, want %s", w.Body, want)
				}
			}
		})
	}
	wg.Wait()
}

func TestConcurrencyLimit(t *testing.T) {
	var book logbook
	m := newModule(sdk.Options{Concurrency: 2, Logger: book.logger()})
	begun, end := make(chan struct{}, 2), make(chan struct{})
	sdk.Handle(m, "wait", func(context.Context, sdk.None) (sdk.None, error) {
		begun <- struct{}{}
		<-end
		return sdk.None{}, nil
	})
	h := m.Handler()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if w := post(h, `{"method":"M.wait"}`); w.Code != 200 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
		<-begun
	}
	w := post(h, `{"method":"M.answer"}`)
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "all 2 places are taken") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if lines := book.lines(t, "refused calls: the instance is full"); len(lines) != 1 || lines[0]["level"] != "WARN" {
		t.Errorf("log: %v", lines)
	}
	close(end)
	wg.Wait()
	if w := post(h, `{"method":"M.answer"}`); w.Code != 200 {
		t.Errorf("afterwards: %d %s", w.Code, w.Body)
	}
}

func TestDeadline(t *testing.T) {
	m := newModule(sdk.Options{})
	sdk.Handle(m, "wait", func(ctx context.Context, _ sdk.None) (sdk.None, error) {
		<-ctx.Done()
		return sdk.None{}, fmt.Errorf("wait: %w", ctx.Err())
	})
	soon := strconv.FormatInt(time.Now().Add(20*time.Millisecond).UnixMilli(), 10)
	for _, deadline := range []string{soon, "1"} {
		w := post(m.Handler(), `{"method":"M.wait"}`, "X-Dynsvc-Deadline", deadline)
		if got := fault(t, w); got.Code != sdk.CodeFailed || got.Message != "the call's deadline has passed" {
			t.Errorf("%s: %+v", deadline, got)
		}
	}
	if w := post(m.Handler(), `{"method":"M.answer"}`, "X-Dynsvc-Deadline", "soon"); w.Code != 200 {
		t.Error(w.Code, w.Body)
	}
}

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

func TestWrongEnvironment(t *testing.T) {
	t.Setenv("PORT", "web")
	t.Setenv("DYNSVC_STOP_GRACE", "soon")
	t.Setenv("LOG_LEVEL", "loud")
	t.Setenv("DYNSVC_MODULE", "Other")
	err := newModule(sdk.Options{}).Run(t.Context())
	if err == nil {
		t.Fatal("it ran")
	}
	for _, part := range []string{`$PORT`, `"web"`, `$DYNSVC_STOP_GRACE`, `"soon"`, `$LOG_LEVEL`, `"loud"`, `Other`, `module M`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s does not stand in %q", part, err)
		}
	}
}
