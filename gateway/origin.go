package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/upstream"
)

// origin is where a call comes from: from its peer or, if that is a proxy that the
// operator trusts, from where the proxy says.
type origin struct {
	addr  string // of the caller, without a port; empty: nobody knows
	chain string // as X-Forwarded-For goes on: the caller, then each proxy that is trusted
	host  string // that the caller asked for
	proto string // in which it did

	proxied bool // addr is not the peer's
	local   bool // it is a program on this machine that speaks for nobody else, trusted or not
}

// Proxies are believed when they say for whom they call, in X-Forwarded-For, -Proto
// and -Host.
type Proxies []netip.Prefix

// Forwarded is what an agent that passes a request on may say of where it comes from,
// in X-Forwarded-For, -Host and -Proto.
func (p Proxies) Forwarded(in *http.Request) (chain, host, proto string) {
	o := p.origin(in)
	return o.chain, o.host, o.proto
}

// origin reads where a request comes from. Nobody but a proxy that is trusted is
// believed when it speaks for somebody else: every caller can send these headers.
func (p Proxies) origin(in *http.Request) origin {
	peer, _, err := net.SplitHostPort(in.RemoteAddr)
	if err != nil {
		peer = in.RemoteAddr
	}
	o := origin{addr: peer, chain: peer, host: in.Host, proto: "http"}
	o.local = loopback(peer) && len(in.Header["X-Forwarded-For"]) == 0
	if in.TLS != nil {
		o.proto = "https"
	}
	if len(p) == 0 || !p.trusts(address(peer)) {
		return o
	}
	if proto := strings.ToLower(only(in.Header["X-Forwarded-Proto"])); proto == "http" || proto == "https" {
		o.proto = proto
	}
	if host := only(in.Header["X-Forwarded-Host"]); plainHost(host) {
		o.host = host
	}
	// Each proxy appends who it was called by, so the last entry is the nearest one.
	// What stands before the first that is no proxy of ours, its sender has made up.
	said := upstream.Words(strings.Join(in.Header["X-Forwarded-For"], ","))
	chain := []string{peer}
	for i := len(said) - 1; i >= 0; i-- {
		addr := address(said[i])
		if !addr.IsValid() {
			break
		}
		o.addr, o.proxied = addr.String(), true
		chain = append([]string{o.addr}, chain...)
		if !p.trusts(addr) {
			break
		}
	}
	o.chain = strings.Join(chain, ", ")
	return o
}

// Peer says who sent a request, or for whom it was sent by a proxy of
// [Options.TrustedProxies].
func (g *Gateway) Peer(in *http.Request) service.Peer {
	o := g.opts.TrustedProxies.origin(in)
	return o.peer()
}

func (o *origin) peer() service.Peer {
	return service.Peer{Addr: o.addr, Host: o.host, Proto: o.proto, Local: o.local}
}

// loopback reports whether a program on this machine has the address.
func loopback(addr string) bool {
	return strings.HasPrefix(addr, "127.") || addr != "" && addr[0] == ':' && address(addr).IsLoopback()
}

// only is the one value of a header; with more of them, some may be the caller's.
func only(values []string) string {
	if len(values) != 1 {
		return ""
	}
	return values[0]
}

func (p Proxies) trusts(addr netip.Addr) bool {
	for _, proxies := range p {
		if proxies.Contains(addr) {
			return true
		}
	}
	return false
}

// address reads an address with or without a port; the zero value: it is none. An
// IPv4 address is one in either notation, and zones are left out.
func address(text string) netip.Addr {
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		with, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}
		}
		addr = with.Addr()
	}
	return addr.Unmap().WithZone("")
}

// plainHost reports whether a text can be a host with or without a port, and
// nothing else that a service could take it for.
func plainHost(text string) bool {
	if text == "" || len(text) > 255 {
		return false
	}
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.IndexByte("-._:[]", c) >= 0:
		default:
			return false
		}
	}
	return true
}
