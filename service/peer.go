package service

import (
	"net/netip"
	"strings"
)

// Peer is the other end of a request as far as those on its way are believed: who
// sent it or, if that is a proxy that the operator trusts, for whom it speaks.
type Peer struct {
	Addr  string // without a port; empty: nobody knows
	Host  string // that was asked for
	Proto string // "http" or "https", in which it was
	Local bool   // it is a program on this machine that speaks for nobody else
}

// Household is what peers without a name are told apart by: an IPv4 address, or the
// /64 of an IPv6 one, within which whoever has one address has them all.
func (p *Peer) Household() string {
	if strings.IndexByte(p.Addr, ':') < 0 {
		return p.Addr
	}
	ip, err := netip.ParseAddr(p.Addr)
	if err != nil {
		return p.Addr
	}
	if ip = ip.Unmap(); ip.Is4() {
		return ip.String()
	}
	const site = 64
	prefix, err := ip.WithZone("").Prefix(site)
	if err != nil { // of an address that is one: cannot be
		return p.Addr
	}
	return prefix.String()
}

// Payer is whom limits count a caller for: its name or, where it has none, its
// household. No user name looks like a household's.
func (p *Peer) Payer(c Caller) string {
	if c.Known() {
		return c.Name
	}
	return "from " + p.Household()
}
