package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/service"
)

func TestErrorsOfTypedCallsSpeakTheCallersDialect(t *testing.T) {
	k := newKit(t)
	st := state(1)
	st.Failure = &service.Failure{Cause: service.Exited, Text: "the program ended with status 3", Final: true, Log: []string{"boom"}}
	k.gw.Apply(st)
	tests := []struct {
		name, body string
		want       map[string]any // nil: problem+json
	}{
		{"1.1", `{"version":"1.1","method":"Echo.hi","params":[],"id":"8444218515"}`, map[string]any{"version": "1.1", "id": "8444218515"}},
		{"1.1, Python's order", `{"method": "Echo.hi", "params": [{"a": "}\"{"}], "version": "1.1", "id": "1"}`, map[string]any{"version": "1.1", "id": "1"}},
		{"no version, number", "\n {\"id\" : 1 , \"method\":\"Echo.hi\"}", map[string]any{"version": "1.1", "id": 1.0}},
		{"no id", `{"method":"Echo.hi","id":{"a":1}}`, map[string]any{"version": "1.1", "id": nil}},
		{"escapes", `{"\u006dethod":"Echo.h\u0069","id":"\""}`, map[string]any{"version": "1.1", "id": "\""}},
		{"2.0", `{"jsonrpc":"2.0","method":"hi","params":{},"id":null}`, map[string]any{"jsonrpc": "2.0", "id": nil}},
		{"large, id not seen", `{"method":"Echo.hi","params":["` + strings.Repeat("x", 100<<10) + `"],"id":1}`, map[string]any{"version": "1.1", "id": nil}},
		{"large, method late", `{"params":["` + strings.Repeat("x", 900<<10) + `"],"method":"Echo.hi","id":1}`, map[string]any{"version": "1.1", "id": 1.0}},
		{"too large", `{"params":["` + strings.Repeat("x", 1100<<10) + `"],"method":"Echo.hi","id":1}`, nil},
		{"batch", `[{"jsonrpc":"2.0","method":"hi","id":1}]`, nil},
		{"method twice", `{"method":"Echo.hi","method":"Echo.ho","id":1}`, nil},
		{"other JSON", `{"a":1}`, nil},
		{"3.0", `{"jsonrpc":"3.0","method":"hi"}`, nil},
		{"method a number", `{"method":1}`, nil},
		{"broken", `{"method":"Echo.hi"`, nil},
		{"form", `a=1&b=2`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, contentType := range []string{"", "application/x-www-form-urlencoded", "text/plain;charset=UTF-8"} {
				r := k.post("/svc/Echo", tt.body, "Content-Type", contentType)
				r.must(t, http.StatusServiceUnavailable, "status 3", "boom")
				if r.header.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
				if tt.want == nil {
					if got := r.header.Get("Content-Type"); got != "application/problem+json" {
						t.Errorf("Content-Type %q", got)
					}
					continue
				}
				if got := r.header.Get("Content-Type"); got != "application/json" {
					t.Errorf("Content-Type %q", got)
				}
				var got map[string]any
				if err := json.Unmarshal([]byte(r.body), &got); err != nil {
					t.Fatal(err)
				}
				long := fmt.Sprintf("request %s\ncause: exited\nlast output:\nboom", r.header.Get("X-Request-Id"))
				want := map[string]any{"error": map[string]any{"code": -32000.0, "message": "Echo 1.2.0 could not be started: the program ended with status 3"}}
				for key, value := range tt.want {
					want[key] = value
				}
				if _, v1 := want["version"]; v1 {
					want["error"].(map[string]any)["name"] = "JSONRPCError"
					want["error"].(map[string]any)["error"] = long
				} else {
					want["error"].(map[string]any)["data"] = long
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
	k.post("/svc/Nobody", `{"version":"1.1","method":"Nobody.hi","id":5}`).must(t, http.StatusNotFound, `"id":5`, "there is no module")
	k.get("/svc/Echo@7.0.0/x").must(t, http.StatusNotFound, "1.2.0")
}

func TestABodyArrivesByteForByte(t *testing.T) {
	k := newKit(t)
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Length", fmt.Sprint(r.ContentLength))
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}))
	params := strings.Repeat("ACGT", 64<<10)
	for _, body := range []string{
		"x", `{"method":"Echo.hi"}`, " \n{ \"method\" :\"Echo.hi\", \"params\":[1.50, 2e3] }  trailing",
		`{"method":"Echo.hi","params":["` + params + `"]}`, `{"params":["` + params + params + params + params + params + `"]}`,
		strings.Repeat("\x00\xff", 500<<10), `{"method":"` + params,
	} {
		r := k.post("/svc/Echo/", body)
		r.must(t, http.StatusOK)
		if r.body != body || r.header.Get("Length") != fmt.Sprint(len(body)) {
			t.Errorf("%.40q… of %d bytes came back as %d, length %s", body, len(body), len(r.body), r.header.Get("Length"))
		}
		// Of unknown length: what fits into the first look gets one.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.url+"/svc/Echo/", io.MultiReader(strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		if r := send(k.client, req); r.status != http.StatusOK || r.body != body {
			t.Errorf("%.40q… in chunks: %d, %d bytes", body, r.status, len(r.body))
		}
	}
}

func TestAMethodHasItsOwnTimeout(t *testing.T) {
	k := newKit(t, func(s *setup) {
		s.version.Methods = []service.Method{{Name: "slow", Timeout: seconds(0.05)}, {Name: "long", Timeout: seconds(20)}}
	})
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), "slow") {
			<-r.Context().Done()
		}
	}))
	k.post("/svc/Echo/", `{"version":"1.1","method":"Echo.slow","id":1}`).must(t, http.StatusGatewayTimeout, "did not answer slow within 50ms")
	k.post("/svc/Echo/", `{"version":"1.1","method":"Echo.long","id":1}`).must(t, http.StatusOK)
	if p := k.phase(); p != service.Ready {
		t.Errorf("phase %s", p)
	}
}
