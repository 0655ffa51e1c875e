package service_test

import (
	"testing"

	"github.com/dynsvc/dynsvc/service"
)

// Who has one address of an IPv6 network has 2^64 of them.
func TestIPv6CallersAreToldApartByTheirNetwork(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "2001:db8:0:1:2:3:4:5": "2001:db8:0:1::/64", "2001:db8:0:1::9": "2001:db8:0:1::/64",
		"fe80::1%eth0": "fe80::/64", "::ffff:192.0.2.7": "192.0.2.7", "": "", "no:address": "no:address",
	} {
		p := service.Peer{Addr: addr}
		if got := p.Household(); got != want {
			t.Errorf("the household of %q is %q, want %q", addr, got, want)
		}
	}
}

func TestWhoPaysIsNeverSomebodyElse(t *testing.T) {
	p := service.Peer{Addr: "192.0.2.7"}
	ada := service.Caller{Name: "ada", Role: service.User}
	if got := p.Payer(ada); got != "ada" {
		t.Errorf("ada pays as %q", got)
	}
	if got := p.Payer(service.Caller{}); got != "from 192.0.2.7" || service.ValidUserName(got) {
		t.Errorf("nobody pays as %q, which may be a user: %t", got, service.ValidUserName(got))
	}
}
