package server

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// visits tells how browsers reach the console.
type visits struct {
	at    *url.URL // where callers reach the gateway
	pages *http.CrossOriginProtection
	peer  func(*http.Request) service.Peer
}

func newVisits(at string, peer func(*http.Request) service.Peer) (visits, error) {
	v := visits{pages: http.NewCrossOriginProtection(), peer: peer}
	var err error
	if v.at, err = url.Parse(at); err != nil {
		return v, fmt.Errorf("where callers reach the gateway: %w", err)
	}
	// A proxy may ask for another host than its visitors do.
	if err := v.pages.AddTrustedOrigin(v.at.Scheme + "://" + v.at.Host); err != nil {
		return v, fmt.Errorf("where callers reach the gateway: %w", err)
	}
	return v, nil
}

// elsewhere refuses what a page of another host has a browser do, and reports whether
// it did. To look is open to all: what a page shows, other pages cannot read.
func (v *visits) elsewhere(w http.ResponseWriter, r *http.Request) bool {
	err := v.pages.Check(r)
	if err != nil {
		writeProblem(w, http.StatusForbidden, "a page of elsewhere asked for this: "+err.Error())
	}
	return err != nil
}

// sealed reports whether a browser speaks TLS: with the agent, with a trusted proxy
// that says so, or with whatever stands where the operator says that callers come.
func (v *visits) sealed(r *http.Request) bool {
	from := v.peer(r)
	return from.Proto == "https" || v.at.Scheme == "https" && strings.EqualFold(from.Host, v.at.Host)
}
