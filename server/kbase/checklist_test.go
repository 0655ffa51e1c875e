package kbase_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/server/kbase"
	"github.com/dynsvc/dynsvc/service"
)

// TestChecklist has what an implementation of KBase's dynamic services must pass,
// row by row; docs/kbase.md has the same table. Row 13 and 18 take more than a unit
// test may: long calls are proven with a shorter time, tokens where they are cached,
// in package auth.
func TestChecklist(t *testing.T) {
	w := open(t)
	first := w.register(module(t, "Kb_Hello", "0.0.1"), commitA, service.Beta, service.Release)
	w.register(module(t, "Kb_Hello", "0.0.2"), commitB)
	wizard := w.url + "/services/service_wizard"
	const status = `{"version":"1.1","method":"ServiceWizard.status","params":[],"id":"8444218515"}`

	t.Run("01 any content type is JSON", func(t *testing.T) {
		for _, contentType := range []string{"", "application/x-www-form-urlencoded", "text/plain;charset=UTF-8", "application/json; charset=utf-8"} {
			for _, path := range []string{"/services/service_wizard", "/services/catalog/"} {
				body := status
				if strings.Contains(path, "catalog") {
					body = strings.Replace(status, "ServiceWizard", "Catalog", 1)
				}
				a := w.send(http.MethodPost, w.url+path, body, "Content-Type", contentType)
				want[struct{ State string }](t, a)
			}
			a := w.send(http.MethodPost, w.url+"/dynserv/Kb_Hello."+commitA, strings.Replace(status, "ServiceWizard", "Kb_Hello", 1), "Content-Type", contentType)
			want[struct{ State string }](t, a)
		}
	})
	t.Run("02-05 errors", func(t *testing.T) {
		for name, body := range map[string]string{
			"unknown":     `{"version":"1.1","method":"ServiceWizard.nothing","params":[],"id":"7"}`,
			"no module":   `{"version":"1.1","method":"ServiceWizard.start","params":[{"module_name":"Nobody"}],"id":"7"}`,
			"not a name":  `{"version":"1.1","method":"ServiceWizard.start","params":[{"module_name":7}],"id":"7"}`,
			"an object":   `{"version":"1.1","method":"ServiceWizard.start","params":{},"id":"7"}`,
			"no argument": `{"version":"1.1","method":"ServiceWizard.start","params":[],"id":"7"}`,
			"no params":   `{"version":"1.1","method":"ServiceWizard.start","id":"7"}`,
			"too many":    `{"version":"1.1","method":"ServiceWizard.start","params":[{},{}],"id":"7"}`,
			"no token":    `{"version":"1.1","method":"ServiceWizard.stop","params":[{}],"id":"7"}`,
		} {
			code := map[string]int{"unknown": -32601, "no module": -32000, "too many": -32000, "no token": -32000}[name]
			if code == 0 {
				code = -32602
			}
			t.Run(name, func(t *testing.T) {
				a := w.send(http.MethodPost, wizard, body)
				refused(t, a, code, "")
				if string(a.ID) != `"7"` {
					t.Errorf("id %s", a.ID)
				}
			})
		}
		for body, code := range map[string]int{"not JSON": -32700, `[1]`: -32600, `"x"`: -32600, `{"params":[],"id":"7"}`: -32600,
			`{"version":"1.1","method":"ServiceWizard.status","params":[]}`: -32600, `{"version":"1.1","method":"status","params":[],"id":"7"}`: -32601} {
			refused(t, w.send(http.MethodPost, wizard, body), code, "")
		}
		refused(t, w.send(http.MethodGet, w.url+"/services/service_wizard/rpc/x", ""), -32601, "")
		refused(t, w.send(http.MethodPut, wizard, "{}"), -32300, "HTTP PUT not allowed.")
	})
	t.Run("04 the id comes back with its type", func(t *testing.T) {
		for _, id := range []string{`"8444218515"`, `1`, `1.50`, `"d2f0-uuid"`, `true`} {
			a := w.send(http.MethodPost, wizard, strings.Replace(status, `"8444218515"`, id, 1))
			if string(a.ID) != id || a.Version != "1.1" || a.Error != nil {
				t.Errorf("id %s came back in %s", id, a.body)
			}
		}
		if a := w.send(http.MethodPost, wizard, strings.Replace(status, `"8444218515"`, "null", 1)); a.status != http.StatusOK || len(a.body) > 0 {
			t.Errorf("a notification was answered with %d %q", a.status, a.body)
		}
		a := w.send(http.MethodPost, wizard, `{"jsonrpc":"2.0","method":"ServiceWizard.nothing","params":[],"id":3}`)
		if a.status != http.StatusInternalServerError || a.V2 != "2.0" || a.Version != "" || !strings.Contains(string(a.body), `"data":"`) {
			t.Errorf("2.0 was answered with %d %s", a.status, a.body)
		}
	})
	t.Run("06 every way to name a version", func(t *testing.T) {
		for _, version := range []any{nil, "", "release", "beta", commitA, "0.0.1", "0.0", "^0.0.1", ">=0.0.1,<1.0.0", "*", "auto"} {
			for _, name := range []string{"Kb_Hello", "KB_HELLO"} {
				got := want[serviceStatus](t, w.call("", "ServiceWizard.get_service_status_without_restart", named(name, version)))
				if got.Module != "Kb_Hello" || got.Version != "0.0.1" || got.Commit != commitA || got.Hash != commitA ||
					!cmp.Equal(got.Tags, []string{"release", "beta"}) {
					t.Errorf("%s %v: %+v", name, version, got)
				}
			}
		}
		got := want[serviceStatus](t, w.call("", "ServiceWizard.get_service_status_without_restart", ref{"module_name": "kb_hello"}))
		if got.Commit != commitA {
			t.Errorf("no version at all: %+v", got)
		}
		for _, version := range []any{"dev", commitB} {
			if got := want[serviceStatus](t, w.call("", "ServiceWizard.get_service_status_without_restart", named("kb_hello", version))); got.Version != "0.0.2" {
				t.Errorf("%v: %+v", version, got)
			}
		}
		for _, version := range []string{"0.0.2", ">0.0.1", "v0.0.1", commitA[:12], "x", ">=0.0.1, <1"} {
			refused(t, w.call("", "ServiceWizard.get_service_status", named("Kb_Hello", version)), -32000, "No module version found that matches your criteria!")
		}
	})
	t.Run("07 with a slash at the end and without, never a redirect", func(t *testing.T) {
		for _, path := range []string{"/services/service_wizard", "/services/service_wizard/", "/services/service_wizard/rpc", "/services/service_wizard/rpc/"} {
			want[any](t, w.send(http.MethodPost, w.url+path, status))
		}
		for _, path := range []string{"/services//service_wizard", "/services", "/services/", "/services/nothing"} {
			if a := w.send(http.MethodPost, w.url+path, status); a.status >= 300 && a.status < 400 {
				t.Errorf("POST %s was redirected", path)
			}
		}
	})
	var up serviceStatus
	t.Run("08 the status has numbers and texts, no null", func(t *testing.T) {
		a := w.call("", "ServiceWizard.get_service_status", named("kb_hello", nil))
		up = want[serviceStatus](t, a)
		var raw []map[string]any
		if err := json.Unmarshal(a.Result, &raw); err != nil {
			t.Fatal(err)
		}
		for key, value := range raw[0] {
			switch value.(type) {
			case string, float64, []any:
			default:
				t.Errorf("%s is %v", key, value)
			}
		}
		if up.Up != 1 || up.Status != "active" || up.Health != "healthy" || up.URL != w.url+"/dynserv/Kb_Hello."+commitA {
			t.Errorf("status %+v", up)
		}
	})
	t.Run("09 CORS", func(t *testing.T) {
		for _, url := range []string{wizard, w.url + "/services/catalog", up.URL, up.URL + "/x"} {
			for _, method := range []string{http.MethodOptions, http.MethodPost} {
				a := w.send(method, url, "{", "Origin", "https://narrative.example.org", "Access-Control-Request-Method", "POST",
					"Access-Control-Request-Headers", "authorization,x-own")
				if method == http.MethodOptions && a.status != http.StatusOK {
					t.Errorf("OPTIONS %s: %d", url, a.status)
				}
				if got := a.header.Values("Access-Control-Allow-Origin"); !cmp.Equal(got, []string{"*"}) {
					t.Errorf("%s %s: allow origin %q", method, url, got)
				}
				if got := a.header.Get("Access-Control-Allow-Headers"); got != "authorization,x-own" {
					t.Errorf("%s %s: allow headers %q", method, url, got)
				}
			}
		}
	})
	t.Run("10 a call to a cached URL wakes a service that was scaled to zero", func(t *testing.T) {
		w.call("ADA", "ServiceWizard.stop", named("Kb_Hello", nil))
		if st, err := w.runtime.State(t.Context(), first.ID); err != nil || st.Count != 0 {
			t.Fatalf("after a stop the count is %d, %v", st.Count, err)
		}
		a := w.send(http.MethodPost, up.URL, `{"version":"1.1","method":"Kb_Hello.hello","params":["you"],"id":"1"}`)
		if got := want[struct{ Text string }](t, a); got.Text != "hello you" {
			t.Errorf("answered %s", a.body)
		}
	})
	t.Run("11 the URL of an old version answers after a new one came", func(t *testing.T) {
		w.register(module(t, "Kb_Hello", "0.0.3"), commitC, service.Beta, service.Release)
		if got := want[serviceStatus](t, w.call("", "ServiceWizard.get_service_status_without_restart", named("Kb_Hello", "release"))); got.Commit != commitC {
			t.Fatalf("release is %+v", got)
		}
		want[int](t, w.send(http.MethodPost, up.URL, `{"version":"1.1","method":"Kb_Hello.add","params":[1,2],"id":"1"}`))
	})
	t.Run("12 an error of the service arrives as it is", func(t *testing.T) {
		a := w.send(http.MethodPost, up.URL, `{"version":"1.1","method":"Kb_Hello.fail","params":["it broke"],"id":"1"}`)
		refused(t, a, -32000, "it broke")
		if a.Error.Error == nil || !strings.HasPrefix(*a.Error.Error, "Traceback") {
			t.Errorf("answered %s", a.body)
		}
	})
	t.Run("13 a long call is not cut", func(t *testing.T) {
		v, _, err := catalog.ReadManifest(module(t, "Long", "0.0.1"), catalog.StandardDefaults())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range v.Methods {
			if m.Timeout.Duration < 100*time.Minute {
				t.Errorf("%s is cut after %s", m.Name, m.Timeout)
			}
		}
		want[int](t, w.send(http.MethodPost, up.URL, `{"version":"1.1","method":"Kb_Hello.wait","params":[1500],"id":"1"}`))
	})
	t.Run("14 status, version and an empty filter", func(t *testing.T) {
		if got := want[string](t, w.call("", "ServiceWizard.version")); got != "1.2.3" {
			t.Errorf("version %q", got)
		}
		want[struct{ State string }](t, w.call("", "ServiceWizard.status"))
		if got := want[[]serviceStatus](t, w.call("", "ServiceWizard.list_service_status", ref{})); len(got) != 3 {
			t.Errorf("%d of 3 services", len(got))
		}
		empty := open(t)
		if a := empty.call("", "ServiceWizard.list_service_status", ref{}); string(a.Result) != "[[]]" {
			t.Errorf("of nothing: %s", a.body)
		}
	})
	t.Run("15 unknown methods", func(t *testing.T) {
		for _, method := range []string{"pause", "nothing"} {
			refused(t, w.call("", "ServiceWizard."+method, ref{}), -32601, "Method 'ServiceWizard."+method+"' not found")
		}
		refused(t, w.call("", "Catalog.nothing", ref{}), -32601, "")
		refused(t, w.send(http.MethodPost, wizard, `{"version":"1.1","method":"Catalog.status","params":[],"id":"1"}`), -32601, "")
	})
	t.Run("16 a page and a cookie reach the service unchanged", func(t *testing.T) {
		a := w.send(http.MethodGet, up.URL+"/widgets/x?y=1", "", "Cookie", "kbase_session=abc")
		if got := string(a.body); got != "GET /widgets/x?y=1 kbase_session=abc" {
			t.Errorf("the service saw %q", got)
		}
	})
}

// Row 17, and pains 1 and 2: a service that takes long to start has a URL at once,
// and the call that follows is held until it answers.
func TestChecklist17TheFirstLookupOfAColdServiceIsAnsweredSoon(t *testing.T) {
	w := open(t, func(_ *kbase.Parts, o *kbase.Options) { o.StartWait = 300 * time.Millisecond })
	w.call("ROOT", "Catalog.set_secure_config_params", ref{"data": []ref{{"module_name": "Slow", "version": "", "param_name": "start_delay", "param_value": "2s"}}})
	w.register(module(t, "Slow", "0.0.1"), commitA)
	w.settled("Slow", commitA, "start_delay")
	got := want[serviceStatus](t, w.call("", "ServiceWizard.get_service_status", named("Slow", "dev")))
	if got.Up != 0 || got.Status != "starting" || got.Health != "starting" || got.URL != w.url+"/dynserv/Slow."+commitA {
		t.Errorf("status %+v", got)
	}
	a := w.send(http.MethodPost, got.URL, `{"version":"1.1","method":"Slow.add","params":[1,2],"id":"1"}`)
	if n := want[int](t, a); n != 3 {
		t.Errorf("the held call was answered with %s", a.body)
	}
	if got := want[serviceStatus](t, w.call("", "ServiceWizard.get_service_status", named("Slow", "dev"))); got.Up != 1 || got.Status != "active" {
		t.Errorf("status %+v", got)
	}
}

// settled waits until a service was dealt a parameter.
func (w *world) settled(name, commit, parameter string) {
	w.t.Helper()
	id := service.NewID(name, commit, "")
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		values, err := w.vault.Secrets(w.t.Context(), kbase.ServicePath(id))
		if err != nil {
			w.t.Fatal(err)
		}
		if _, ok := values[parameter]; ok {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	w.t.Fatalf("%s was never dealt %s", id, parameter)
}
