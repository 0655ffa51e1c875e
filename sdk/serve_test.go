package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
