package gateway_test

import (
	"net/http"
	"net/netip"
	"sync"
	"testing"

	"github.com/dynsvc/dynsvc/gateway"
)

// Behind a balancer all calls come from one address. If it is trusted, the limit
// for callers without a name, the service and the log see who is behind it.
func TestCallersBehindATrustedProxyAreToldApart(t *testing.T) {
	var mu sync.Mutex
	var seen http.Header
	var ended []gateway.Ended
	k := newKit(t, func(s *setup) {
		s.opts.CallerLimits.Anonymous = gateway.Quota{Rate: 0.001, Burst: 1}
		s.opts.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		s.opts.Ended = func(e *gateway.Ended) {
			mu.Lock()
			defer mu.Unlock()
			ended = append(ended, *e)
		}
	})
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = r.Header.Clone()
	}))
	from := func(forwarded string) reply {
		return k.get("/svc/Echo/", "X-Forwarded-For", forwarded, "X-Forwarded-Proto", "https", "X-Forwarded-Host", "www.example.org")
	}
	from("192.0.2.1").must(t, http.StatusOK)
	from("192.0.2.1").must(t, http.StatusTooManyRequests, "your address calls more often")
	from("6.6.6.6, 192.0.2.1").must(t, http.StatusTooManyRequests)
	from("192.0.2.2").must(t, http.StatusOK)
	mu.Lock()
	for name, want := range map[string]string{"X-Forwarded-For": through("192.0.2.2, 127.0.0.1"), "X-Real-Ip": "192.0.2.2",
		"X-Forwarded-Proto": "https", "X-Forwarded-Host": "www.example.org"} {
		if got := seen.Get(name); got != want {
			t.Errorf("the service saw %s: %q, want %q", name, got, want)
		}
	}
	mu.Unlock()
	k.waitFor("all calls are told", func() bool { mu.Lock(); defer mu.Unlock(); return len(ended) == 4 })
	mu.Lock()
	defer mu.Unlock()
	if last := ended[3]; last.Remote != "192.0.2.2" || netip.MustParseAddrPort(last.Via).Addr().String() != "127.0.0.1" {
		t.Errorf("the log has remote %q via %q", last.Remote, last.Via)
	}
}
