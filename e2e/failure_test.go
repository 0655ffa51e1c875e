//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// TestAStartThatFailsSaysWhy checks what callers of a broken service are told,
// and that nothing of it stays.
func TestAStartThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		module   module
		deadline time.Duration
		cause    service.Cause
		texts    []string // what an answer has to say, in it or in the lines of output beside it
	}{
		{
			name: "an image that does not exist",
			module: module{name: "NoImage", scale: `idle_after = "1m"`,
				run: fmt.Sprintf("image = %q\n health {\n start_deadline = \"40s\"\n }", servers.Registry+"/nobody/made-this:1.0.0")},
			deadline: 40 * time.Second, cause: service.BadImage,
			texts: []string{"image", "nobody/made-this"},
		},
		{
			name:     "a program that exits at once",
			module:   container(t, "ExitsAtOnce", "env = { BEHAVIOUR = \"exit\" }\n health {\n start_deadline = \"45s\"\n }", ""),
			deadline: 45 * time.Second, cause: service.Exited,
			texts: []string{"exited with code 3", "cannot read the table of species"},
		},
		{
			name:     "a program that never listens",
			module:   container(t, "NeverListens", "env = { BEHAVIOUR = \"mute\" }\n health {\n start_deadline = \"10s\"\n }", ""),
			deadline: 10 * time.Second, cause: service.NotListening,
			texts: []string{"nothing answers on port 5000"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newAgent(t, meshed())
			v := a.register(tt.module)
			cold, err := a.post(t.Context(), v, "echo")
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("the first caller was told after %s", cold.took)
			if limit := tt.deadline + 5*time.Second; cold.took > limit {
				t.Errorf("the first answer took %s, want at most %s", cold.took, limit)
			}
			wantRPCError(t, cold, tt.cause, tt.texts)

			raw, err := a.get(t.Context(), v, "/")
			if err != nil {
				t.Fatal(err)
			}
			if raw.took > time.Second {
				t.Errorf("during the back-off an answer took %s", raw.took)
			}
			wantProblem(t, raw, tt.cause, tt.texts)

			a.goesIdle(v)
			if d := a.wantDecision(v, service.KindFailed); d.To != 0 || d.Reason == "" {
				t.Errorf("decision = %+v, want one to 0 with a reason", d)
			}
			d := a.status(v)
			if d.Phase != service.Broken {
				t.Errorf("phase = %q, want %q", d.Phase, service.Broken)
			}
			if !strings.Contains(inOneLine(d.Failure), tt.texts[0]) {
				t.Errorf("status says the failure is %q, want it to say %q", d.Failure, tt.texts[0])
			}
		})
	}
}

// wantRPCError checks an answer to a typed call that no instance gave.
func wantRPCError(t *testing.T, r answer, cause service.Cause, texts []string) {
	t.Helper()
	var reply struct {
		Version string
		ID      string
		Error   struct {
			Name, Message, Error string
			Code                 int
		}
	}
	if err := json.Unmarshal(r.body, &reply); err != nil {
		t.Errorf("a typed call was answered with status %d, no JSON: %s", r.status, r.body)
		return
	}
	if r.status != http.StatusServiceUnavailable || reply.Version != "1.1" || reply.ID != "e2e" || reply.Error.Name != "JSONRPCError" || reply.Error.Code >= 0 {
		t.Errorf("a typed call was answered with status %d, %s; want 503 and an error of JSON-RPC 1.1", r.status, r.body)
	}
	if !strings.Contains(reply.Error.Error, "cause: "+string(cause)) {
		t.Errorf("the error's text %q does not name the cause %s", reply.Error.Error, cause)
	}
	wantTexts(t, reply.Error.Message+"\n"+reply.Error.Error, texts)
	wantRetryAfter(t, r)
}

// wantProblem checks an answer to a call that is not typed.
func wantProblem(t *testing.T, r answer, cause service.Cause, texts []string) {
	t.Helper()
	var p struct {
		Status int
		Detail string
		Cause  service.Cause
		Log    []string
	}
	if err := json.Unmarshal(r.body, &p); err != nil {
		t.Errorf("a call was answered with status %d, no JSON: %s", r.status, r.body)
		return
	}
	if kind := r.header.Get("Content-Type"); r.status != http.StatusServiceUnavailable || p.Status != r.status || kind != "application/problem+json" {
		t.Errorf("a call was answered with status %d, %s: %s; want 503 and application/problem+json", r.status, kind, r.body)
	}
	if p.Cause != cause {
		t.Errorf("cause = %q, want %q", p.Cause, cause)
	}
	wantTexts(t, p.Detail+"\n"+strings.Join(p.Log, "\n"), texts)
	wantRetryAfter(t, r)
}

func wantTexts(t *testing.T, got string, texts []string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(got, text) {
			t.Errorf("%q does not say %q", got, text)
		}
	}
}

func wantRetryAfter(t *testing.T, r answer) {
	t.Helper()
	if r.header.Get("Retry-After") == "" || r.header.Get("X-Request-Id") == "" {
		t.Errorf("header = %v, want Retry-After and X-Request-Id", r.header)
	}
}
