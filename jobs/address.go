package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// Networks that no callback goes to unless the operator allows it: a caller
// could reach through dynsvc what it cannot reach itself. Beside them all that
// is loopback, link-local (metadata of clouds), private or multicast.
var closedNetworks = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),   // carriers' and some clouds' metadata
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments, and a metadata address
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, and broadcast
	netip.MustParsePrefix("64:ff9b::/96"),    // IPv4 behind NAT64
	netip.MustParsePrefix("64:ff9b:1::/48"),  // the same, of local use
	netip.MustParsePrefix("2002::/16"),       // IPv4 behind 6to4
	netip.MustParsePrefix("2001::/32"),       // IPv4 behind Teredo
	netip.MustParsePrefix("fec0::/10"),       // site-local, of old
	netip.MustParsePrefix("::ffff:0:0:0/96"), // IPv4-translated
}

// permit refuses an address that is not public and not allowed.
func permit(ip netip.Addr, allowed []netip.Prefix) error {
	ip = ip.Unmap().WithZone("")
	for _, p := range allowed {
		if p.Contains(ip) {
			return nil
		}
	}
	public := ip.IsGlobalUnicast() && !ip.IsPrivate() && !ip.IsLoopback() && !ip.IsLinkLocalUnicast()
	for _, p := range closedNetworks {
		public = public && !p.Contains(ip)
	}
	if !public {
		return fmt.Errorf("%s is not a public address; the operator can allow its network with callback_networks", ip)
	}
	return nil
}

// callbackClient connects to permitted addresses only: each address is looked
// at when it is connected to, so a name that changes its mind gains nothing. It
// follows no redirects and uses no proxy, either of which could lead elsewhere.
func (q *Queue) callbackClient() *http.Client {
	dialer := &net.Dialer{Timeout: callbackTimeout, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return permit(at.Addr(), q.opts.CallbackNetworks)
	}}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: callbackTimeout, ForceAttemptHTTP2: true,
			MaxIdleConns: callbacksAtOnce, IdleConnTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// unwrapURL leaves out the URL, which the job shows anyway.
func unwrapURL(err error) error {
	if u := new(url.Error); errors.As(err, &u) {
		return u.Err
	}
	return err
}

func spread(d time.Duration) time.Duration { return rand.N(d + 1) }
