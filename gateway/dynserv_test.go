package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/service"
)

const testCommit = "0123456789abcdef0123456789abcdef01234567"

// dynserv is a kit whose module has a name and a commit that both forms of the
// URL have to deal with.
func dynserv(t *testing.T) *kit {
	var v service.Version
	k := newKit(t, func(s *setup) {
		s.version.Module, s.version.Commit, s.version.Typed = "Kb_Echo", testCommit, true
		s.version.Methods = []service.Method{{Name: "hi"}}
		v = s.version
	})
	k.gw.Publish(service.Module{Name: v.Module, Tags: map[string]service.ID{"dev": v.ID}, Versions: []service.Version{v}})
	return k
}

func TestDynServURLsReachTheServiceInEveryForm(t *testing.T) {
	k := dynserv(t)
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Seen", r.Method+" "+strings.TrimSuffix(r.RequestURI+" "+r.Header.Get("Cookie"), " "))
		_, _ = w.Write(body)
	}))
	const call = `{"version":"1.1","method":"Kb_Echo.undeclared","params":[],"id":"1"}`
	for _, id := range []string{
		"Kb_Echo." + testCommit, "KB_ECHO." + strings.ToUpper(testCommit), testCommit + ".Kb-Echo", testCommit + ".kb_echo", "kb_echo.0123456",
	} {
		for _, tail := range []string{"", "/"} {
			r := k.post("/dynserv/"+id+tail, call)
			r.must(t, http.StatusOK, "undeclared")
			if got := r.header.Get("Seen"); got != "POST /" {
				t.Errorf("%s%s: the service saw %q", id, tail, got)
			}
		}
		r := k.get("/dynserv/"+id+"//widgets/a%2Fb;c/$x?y=1;2", "Cookie", "kbase_session=abc")
		r.must(t, http.StatusOK)
		if got, want := r.header.Get("Seen"), "GET //widgets/a%2Fb;c/$x?y=1;2 kbase_session=abc"; got != want {
			t.Errorf("the service saw %q, want %q", got, want)
		}
	}
}

func TestDynServRefusesAsKBaseClientsRead(t *testing.T) {
	k := dynserv(t)
	st := state(1)
	st.Failure = &service.Failure{Cause: service.BadImage, Text: "the image is not there", Final: true}
	k.gw.Apply(st)
	url := "/dynserv/Kb_Echo." + testCommit
	tests := []struct {
		name, path, body string
		id               any
		message          string
	}{
		{"cannot start", url, `{"version":"1.1","method":"Kb_Echo.hi","params":[],"id":"7"}`, "7", "Kb_Echo 1.2.0 could not be started: the image is not there"},
		{"id a number", url, `{"version":"1.1","method":"Kb_Echo.hi","params":[],"id":7}`, 7.0, "Kb_Echo 1.2.0 could not be started: the image is not there"},
		{"no such module", "/dynserv/Nobody." + testCommit, `{"version":"1.1","method":"Nobody.hi","id":"7"}`, "7", `there is no module "Nobody" here`},
		{"no such form", "/dynserv/Nobody", `not a call`, nil, "there is nothing here: services are at /svc/{module}, /svc/{module}@{version} or /dynserv/{module}.{commit}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := k.post(tt.path, tt.body)
			r.must(t, http.StatusInternalServerError)
			if got := r.header.Get("Content-Type"); got != "application/json" {
				t.Errorf("Content-Type %q", got)
			}
			if got := r.header.Values("Access-Control-Allow-Origin"); !cmp.Equal(got, []string{"*"}) {
				t.Errorf("Access-Control-Allow-Origin %q", got)
			}
			var got struct {
				Version string
				ID      any
				Error   map[string]any
			}
			if err := json.Unmarshal([]byte(r.body), &got); err != nil {
				t.Fatal(err)
			}
			if got.Version != "1.1" || got.ID != tt.id || got.Error["message"] != tt.message {
				t.Errorf("answered %s", r.body)
			}
			for key, value := range got.Error {
				if _, nested := value.(map[string]any); nested || !strings.Contains("name code message error", key) {
					t.Errorf("the error has %s: %v", key, value)
				}
			}
		})
	}
	k.get("/dynserv/Nobody.0123456/x").must(t, http.StatusNotFound)
	k.get(url+"/widgets/x").must(t, http.StatusServiceUnavailable)
}

func TestBrowsersOfAnyOriginMayCallUnderDynServ(t *testing.T) {
	k := dynserv(t)
	own := true
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		if own {
			w.Header().Set("Access-Control-Allow-Origin", "https://narrative.example.org")
			w.Header().Set("Access-Control-Allow-Credentials", "true")
		} else if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	}))
	url := "/dynserv/Kb_Echo." + testCommit
	ask := func() reply {
		return k.do(t.Context(), http.MethodOptions, url, "", "Origin", "https://narrative.example.org",
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type")
	}
	want := func(r reply, header string, values ...string) {
		t.Helper()
		if got := r.header.Values(header); !cmp.Equal(got, values) {
			t.Errorf("%s: %q, want %q", header, got, values)
		}
	}
	r := ask()
	r.must(t, http.StatusOK)
	want(r, "Access-Control-Allow-Origin", "https://narrative.example.org")
	want(r, "Access-Control-Allow-Credentials", "true")
	own = false
	r = ask()
	r.must(t, http.StatusOK)
	want(r, "Access-Control-Allow-Origin", "*")
	want(r, "Access-Control-Allow-Headers", "authorization,content-type")
	want(r, "Access-Control-Allow-Methods", "POST")
	want(k.post(url, "{}"), "Access-Control-Allow-Origin", "*")
	k.do(t.Context(), http.MethodOptions, url+"/x", "").must(t, http.StatusMethodNotAllowed)
	k.gw.SetStopped(echo, true)
	r = ask()
	r.must(t, http.StatusOK)
	want(r, "Access-Control-Allow-Origin", "*")
}

func TestAwaitBringsAServiceUpLikeACall(t *testing.T) {
	k := dynserv(t)
	addr := k.backend(hello)
	k.cluster.onWake(func(context.Context) error {
		go k.up(addr)
		return nil
	})
	if err := k.gw.Await(t.Context(), echo); err != nil {
		t.Fatal(err)
	}
	if l := k.gw.Load(echo); l.Phase != service.Ready || l.Ready != 1 || l.InFlight != 0 {
		t.Errorf("load %+v", l)
	}
	if got := k.cluster.woken(); got != 1 {
		t.Errorf("woken %d times", got)
	}
}

func TestAwaitTellsWhyAServiceDoesNotComeUp(t *testing.T) {
	k := dynserv(t)
	st := state(1)
	st.Failure = &service.Failure{Cause: service.BadImage, Text: "the image is not there", Final: true}
	k.gw.Apply(st)
	if err := k.gw.Await(t.Context(), echo); err == nil || !strings.Contains(err.Error(), "the image is not there") {
		t.Errorf("await: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	k.gw.SetStopped(echo, true)
	k.gw.SetStopped(echo, false)
	if err := k.gw.Await(ctx, echo); !errors.Is(err, context.Canceled) {
		t.Errorf("await, cancelled: %v", err)
	}
}
