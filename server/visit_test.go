package server_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/server"
)

// signIn opens the console with a token, and returns the cookie that comes of it.
func signIn(t *testing.T, client *http.Client, base string, header ...string) *http.Cookie {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/console", strings.NewReader(url.Values{"token": {token}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	res, err := roundTrip(client, req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSeeOther || len(res.Cookies()) != 1 || res.Header.Get("Location") != "/console" {
		t.Fatalf("%d to %q with %v", res.StatusCode, res.Header.Get("Location"), res.Cookies())
	}
	return res.Cookies()[0]
}

// roundTrip follows no redirect.
func roundTrip(client *http.Client, req *http.Request) (*http.Response, error) {
	stays := *client
	stays.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return stays.Do(req)
}

// A browser that speaks TLS is never to send the token without it, also where it is
// a proxy that it speaks TLS with.
func TestTheConsolesCookieIsSecureBehindAProxyThatEndsTLS(t *testing.T) {
	w := open(t) // which trusts proxies on this machine
	w.register(t, "dev")
	to, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(to) // and with it another Host than the browser's
		p.SetXForwarded()
	}})
	defer proxy.Close()
	browser := proxy.Client()
	c := signIn(t, browser, proxy.URL, "Origin", "http://calls.example.org") // where the operator says that callers come
	if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode {
		t.Errorf("cookie %v", c)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, proxy.URL+"/console", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(c)
	res, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("with its cookie: %s", res.Status)
	}
	if c := signIn(t, http.DefaultClient, w.URL); c.Secure {
		t.Error("a browser that speaks no TLS would never send this cookie back")
	}
}

func TestWhoSaysThatABrowserSpeaksTLS(t *testing.T) {
	log := hclog.NewNullLogger()
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, tt := range []struct {
		name, url string
		trusted   []netip.Prefix
		header    []string
		host      string
		want      bool
	}{
		{"nobody", "http://x.example.org", local, nil, "", false},
		{"a trusted proxy", "http://x.example.org", local, []string{"X-Forwarded-Proto", "https"}, "", true},
		{"a trusted proxy, of plain HTTP", "https://x.example.org", local, []string{"X-Forwarded-Proto", "http"}, "", false},
		{"anybody", "http://x.example.org", nil, []string{"X-Forwarded-Proto", "https"}, "", false},
		{"two of them, one of which the caller sent", "http://x.example.org", local, []string{"X-Forwarded-Proto", "http", "X-Forwarded-Proto", "https"}, "", false},
		{"the operator", "https://x.example.org", nil, nil, "X.example.org", true},
		{"the operator, through a proxy that tells the host", "https://x.example.org", local, []string{"X-Forwarded-Host", "x.example.org"}, "", true},
		{"the operator, of another host", "https://x.example.org", nil, nil, "10.0.0.1:8080", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := server.New(server.Parts{Callers: people, Peer: gateway.New(log, nil, gateway.Options{TrustedProxies: tt.trusted}).Peer}, log, server.Options{URL: tt.url})
			if err != nil {
				t.Fatal(err)
			}
			agent := httptest.NewServer(h)
			defer agent.Close()
			client := &http.Client{Transport: hosted{tt.host}}
			if c := signIn(t, client, agent.URL, tt.header...); c.Secure != tt.want {
				t.Errorf("secure: %t", c.Secure)
			}
		})
	}
}

// hosted asks for a host; empty: for the one that it connects to.
type hosted struct{ name string }

func (h hosted) RoundTrip(req *http.Request) (*http.Response, error) {
	req.Host = h.name
	return http.DefaultTransport.RoundTrip(req)
}
