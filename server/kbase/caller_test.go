package kbase_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/server/kbase"
)

// A browser sends its session cookie along whatever page makes it call.
func TestASessionCookieIsTakenFromPagesThatMaySendIt(t *testing.T) {
	const friend = "https://narrative.example.org"
	w := open(t, func(_ *kbase.Parts, o *kbase.Options) {
		o.Origins, o.URL = []string{friend}, "https://dynsvc.example.org"
	})
	const (
		change = `{"version":"1.1","id":"1","method":"Catalog.approve_developer","params":["grace"]}`
		ask    = `{"version":"1.1","id":"1","method":"Catalog.is_admin","params":[null]}`
	)
	host := strings.TrimPrefix(w.url, "http://")
	tests := []struct {
		name, body string
		header     []string
		ok         bool
		says       string
	}{
		{"a program", change, nil, true, `"result":null`},
		{"a page of this host", change, []string{"Origin", w.url, "Sec-Fetch-Site", "same-origin"}, true, `"result":null`},
		{"a page of this host in an old browser", change, []string{"Origin", w.url}, true, `"result":null`},
		{"a page of this host behind a proxy that asks for another, in an old browser", change, []string{"Origin", "https://dynsvc.example.org"}, true, `"result":null`},
		{"a page that may", change, []string{"Origin", friend, "Sec-Fetch-Site", "same-site"}, true, `"result":null`},
		{"a page of elsewhere", change, []string{"Origin", "https://evil.example.com", "Sec-Fetch-Site", "cross-site"}, false, "the session cookie is not taken from a page of https://evil.example.com"},
		{"of elsewhere in an old browser", change, []string{"Origin", "https://evil.example.com"}, false, "https://evil.example.com: send the token in the Authorization header"},
		{"a page of another port", change, []string{"Origin", "http://" + host + "0", "Sec-Fetch-Site", "same-site"}, false, "the session cookie is not taken"},
		{"a form without an origin", change, []string{"Origin", "null", "Sec-Fetch-Site", "cross-site", "Content-Type", "text/plain"}, false, "a page of null"},
		{"what needs no token is asked without", ask, []string{"Origin", "https://evil.example.com"}, true, `"result":[0]`},
		{"and with it by who may", ask, []string{"Origin", w.url}, true, `"result":[1]`},
		{"a header is nobody's but its sender's", change, []string{"Origin", "https://evil.example.com", "Sec-Fetch-Site", "cross-site", "Authorization", "ROOT"}, true, `"result":null`},
	}
	for _, cookie := range []string{"kbase_session=ROOT", `kbase_session_backup="ROOT"`} {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				a := w.send(http.MethodPost, w.url+"/services/catalog", tt.body, append([]string{"Cookie", cookie}, tt.header...)...)
				if (a.status == http.StatusOK) != tt.ok || !strings.Contains(string(a.body), tt.says) {
					t.Errorf("answered %d %s", a.status, a.body)
				}
			})
		}
	}
	for origin, want := range map[string][2]string{friend: {friend, "true"}, "https://evil.example.com": {"*", ""}} {
		a := w.send(http.MethodOptions, w.url+"/services/catalog", "", "Origin", origin, "Access-Control-Request-Method", "POST")
		if got := [2]string{a.header.Get("Access-Control-Allow-Origin"), a.header.Get("Access-Control-Allow-Credentials")}; got != want {
			t.Errorf("to %s: allowed %q, want %q", origin, got, want)
		}
	}
}
