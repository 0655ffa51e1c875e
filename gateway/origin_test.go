package gateway

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAProxyIsBelievedOnlyIfItIsTrusted(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	tests := []struct {
		name    string
		trusted []netip.Prefix
		peer    string
		head    http.Header
		tls     bool
		want    origin
	}{
		{"nobody is trusted", nil, "10.0.0.1:99", http.Header{"X-Forwarded-For": {"6.6.6.6"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"evil"}}, false,
			origin{addr: "10.0.0.1", chain: "10.0.0.1", host: "h", proto: "http"}},
		{"not this one", trusted, "192.0.2.1:99", http.Header{"X-Forwarded-For": {"6.6.6.6"}, "X-Forwarded-Proto": {"https"}}, false,
			origin{addr: "192.0.2.1", chain: "192.0.2.1", host: "h", proto: "http"}},
		{"one proxy", trusted, "10.0.0.1:99", http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"www.example.org:8443"}}, false,
			origin{addr: "192.0.2.7", chain: "192.0.2.7, 10.0.0.1", host: "www.example.org:8443", proto: "https", proxied: true}},
		{"its caller has made up the rest", trusted, "10.0.0.1:99", http.Header{"X-Forwarded-For": {"127.0.0.1, 10.0.0.9, 192.0.2.7"}}, false,
			origin{addr: "192.0.2.7", chain: "192.0.2.7, 10.0.0.1", host: "h", proto: "http", proxied: true}},
		{"two proxies, two lines, a port", trusted, "10.0.0.1:99", http.Header{"X-Forwarded-For": {"6.6.6.6, 192.0.2.7:1234", "10.0.0.2"}}, true,
			origin{addr: "192.0.2.7", chain: "192.0.2.7, 10.0.0.2, 10.0.0.1", host: "h", proto: "https", proxied: true}},
		{"a caller within the network", trusted, "10.0.0.1:99", http.Header{"X-Forwarded-For": {"10.0.0.5"}}, false,
			origin{addr: "10.0.0.5", chain: "10.0.0.5, 10.0.0.1", host: "h", proto: "http", proxied: true}},
		{"what is no address ends it", trusted, "10.0.0.1:99", http.Header{"X-Forwarded-For": {"192.0.2.7, unknown"}}, false,
			origin{addr: "10.0.0.1", chain: "10.0.0.1", host: "h", proto: "http"}},
		{"it says nothing", trusted, "10.0.0.1:99", nil, false,
			origin{addr: "10.0.0.1", chain: "10.0.0.1", host: "h", proto: "http"}},
		{"IPv6", trusted, "[fd00::1]:99", http.Header{"X-Forwarded-For": {"[2001:db8::7]:1234"}}, false,
			origin{addr: "2001:db8::7", chain: "2001:db8::7, fd00::1", host: "h", proto: "http", proxied: true}},
		{"IPv4 in IPv6", trusted, "[::ffff:10.0.0.1]:99", http.Header{"X-Forwarded-For": {"::ffff:192.0.2.7"}}, false,
			origin{addr: "192.0.2.7", chain: "192.0.2.7, ::ffff:10.0.0.1", host: "h", proto: "http", proxied: true}},
		{"no host, no protocol", trusted, "10.0.0.1:99", http.Header{"X-Forwarded-Proto": {"javascript"}, "X-Forwarded-Host": {`a"><b`}}, false,
			origin{addr: "10.0.0.1", chain: "10.0.0.1", host: "h", proto: "http"}},
		{"two of each", trusted, "10.0.0.1:99", http.Header{"X-Forwarded-Proto": {"https", "http"}, "X-Forwarded-Host": {"evil", "www"}}, false,
			origin{addr: "10.0.0.1", chain: "10.0.0.1", host: "h", proto: "http"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := &http.Request{RemoteAddr: tt.peer, Header: tt.head, Host: "h"}
			if tt.tls {
				in.TLS = &tls.ConnectionState{}
			}
			if diff := cmp.Diff(tt.want, Proxies(tt.trusted).origin(in), cmp.AllowUnexported(origin{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Only a program on this machine that calls by itself is local: no header makes a
// caller one.
func TestNobodyIsLocalBySayingSo(t *testing.T) {
	g := &Gateway{opts: Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32")}}}
	for _, tt := range []struct {
		peer, forwarded string
		want            bool
	}{
		{"127.0.0.1:99", "", true}, {"[::1]:99", "", true}, {"[::ffff:127.0.0.1]:99", "", true},
		{"192.0.2.1:99", "", false}, {"192.0.2.1:99", "127.0.0.1", false}, {"", "127.0.0.1", false},
		{"10.0.0.1:99", "127.0.0.1", false}, {"10.0.0.1:99", "::1", false}, {"127.0.0.1:99", "192.0.2.7", false}, {"[::1]:99", "192.0.2.7", false}, {"127.0.0.1:99", "127.0.0.1", false},
	} {
		in := &http.Request{RemoteAddr: tt.peer, Header: http.Header{}}
		if tt.forwarded != "" {
			in.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if p := g.Peer(in); p.Local != tt.want {
			t.Errorf("from %q, forwarded for %q: local is %t", tt.peer, tt.forwarded, p.Local)
		}
	}
}
