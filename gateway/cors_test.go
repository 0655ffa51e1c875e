package gateway_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/gateway"
)

func TestWhichPagesMayReadAnAnswer(t *testing.T) {
	const narrative, evil = "https://narrative.example.org", "https://evil.example.org"
	service := func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", evil)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Allow-Methods", "DELETE")
		h.Set("Access-Control-Expose-Headers", "X-Rows")
		h.Set("Vary", "Accept")
	}
	some := gateway.CORS{Origins: []string{narrative}}
	login := gateway.CORS{Origins: []string{narrative}, Credentials: true}
	tests := []struct {
		name                             string
		cors                             gateway.CORS
		origin                           string
		allow, credentials, expose, vary []string
	}{
		{"all", gateway.CORS{}, evil, []string{"*"}, nil, []string{"*"}, []string{"Accept"}},
		{"no page asks", gateway.CORS{}, "", []string{"*"}, nil, []string{"X-Rows"}, []string{"Accept"}},
		{"all, with credentials, is not to be had", gateway.CORS{Credentials: true}, evil, []string{"*"}, nil, []string{"*"}, []string{"Accept"}},
		{"one of some", some, narrative, []string{narrative}, nil, []string{"*"}, []string{"Accept", "Origin"}},
		{"none of some", some, evil, nil, nil, nil, []string{"Accept", "Origin"}},
		{"a name that begins alike", some, narrative + ".evil.example.org", nil, nil, nil, []string{"Accept", "Origin"}},
		{"null", some, "null", nil, nil, nil, []string{"Accept", "Origin"}},
		{"with credentials", login, narrative, []string{narrative}, []string{"true"}, []string{"X-Request-Id", "Server-Timing", "Retry-After", "X-Rows"}, []string{"Accept", "Origin"}},
		{"with credentials, from elsewhere", login, evil, nil, nil, nil, []string{"Accept", "Origin"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := newKit(t, func(s *setup) { s.opts.CORS = tt.cors })
			k.up(k.backend(service))
			var send []string
			if tt.origin != "" {
				send = []string{"Origin", tt.origin}
			}
			r := k.get("/svc/Echo/x", send...)
			r.must(t, http.StatusOK)
			for header, want := range map[string][]string{"Access-Control-Allow-Origin": tt.allow, "Access-Control-Allow-Credentials": tt.credentials,
				"Access-Control-Allow-Methods": nil, "Access-Control-Expose-Headers": tt.expose} {
				if diff := cmp.Diff(want, r.header[header]); diff != "" {
					t.Errorf("%s (-want +got)\n%s", header, diff)
				}
			}
			if got := unordered(r.header.Values("Vary")); !cmp.Equal(got, unordered(tt.vary)) {
				t.Errorf("Vary %v", r.header.Values("Vary"))
			}
			// A page can read why a call was refused, too.
			if got := k.get("/svc/Nobody/x", send...).header["Access-Control-Allow-Origin"]; !cmp.Equal(got, tt.allow) {
				t.Errorf("refused: %v", got)
			}
		})
	}
}

func unordered(values []string) map[string]bool {
	all := map[string]bool{}
	for _, v := range values {
		all[v] = true
	}
	return all
}

func TestABrowserThatAsksFirstWakesNobody(t *testing.T) {
	k := newKit(t)
	r := k.do(t.Context(), http.MethodOptions, "/svc/Echo", "", "Origin", "https://x.example.org",
		"Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "authorization,content-type")
	r.must(t, http.StatusNoContent)
	for header, want := range map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "PUT",
		"Access-Control-Allow-Headers": "authorization,content-type", "Access-Control-Max-Age": "600", "Access-Control-Allow-Credentials": ""} {
		if got := r.header.Get(header); got != want {
			t.Errorf("%s: %q", header, got)
		}
	}
	if k.cluster.woken() != 0 {
		t.Error("the service was woken")
	}
	// What is no such question is the service's own.
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Allow", r.Method) }))
	if r := k.do(t.Context(), http.MethodOptions, "/svc/Echo", ""); r.status != http.StatusOK || r.header.Get("Allow") != "OPTIONS" {
		t.Errorf("OPTIONS: %d %v", r.status, r.header)
	}

	k = newKit(t, func(s *setup) { s.opts.CORS.Origins = []string{"https://narrative.example.org"} })
	r = k.do(t.Context(), http.MethodOptions, "/svc/Echo", "", "Origin", "https://evil.example.org", "Access-Control-Request-Method", "PUT")
	r.must(t, http.StatusNoContent)
	for header := range r.header {
		if len(header) > 14 && header[:14] == "Access-Control" {
			t.Errorf("a page from elsewhere is told %s", header)
		}
	}
}

// All services share one host; none may set a cookie for another.
func TestCookiesStayWithTheirService(t *testing.T) {
	k := newKit(t)
	k.up(k.backend(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Set-Cookie"] = []string{
			"a=1",
			"b=2; Path=/; HttpOnly; SameSite=Lax",
			"c=3; path=/app/; DOMAIN=example.org; Max-Age=60",
			"d=4; Path=/svc/Echo@dev/x; Secure",
			"e=5; Path=/svc/Echo@devious",
			"f=6; Path=relative",
			"g=7;;Path=/a; Path=/b",
			"h=8; Path=/svc/Other/",
		}
	}))
	want := []string{
		"a=1; Path=/svc/Echo@dev",
		"b=2; HttpOnly; SameSite=Lax; Path=/svc/Echo@dev",
		"c=3; Max-Age=60; Path=/svc/Echo@dev/app",
		"d=4; Secure; Path=/svc/Echo@dev/x",
		"e=5; Path=/svc/Echo@dev/svc/Echo@devious",
		"f=6; Path=/svc/Echo@dev",
		"g=7; Path=/svc/Echo@dev/b",
		"h=8; Path=/svc/Echo@dev/svc/Other",
	}
	if diff := cmp.Diff(want, k.get("/svc/Echo@dev/y").header["Set-Cookie"]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
