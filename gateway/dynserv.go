package gateway

import (
	"net/http"
	"regexp"
	"strings"
)

// DynServ begins the paths by which KBase's clients know services. Both forms
// that they have met are served: /dynserv/{module}.{commit}/… and, older,
// /dynserv/{commit}.{module}/… with - where the module's name has _.
//
// Calls there are passed on as others are, with three differences that those
// clients need: a method that the interface does not have is the service's to
// refuse, a typed call is refused with status 500 whatever the reason, and
// browsers of any origin may read the answers.
const DynServ = "/dynserv/"

var (
	fullHash = regexp.MustCompile(`^[0-9a-fA-F]{40}([0-9a-fA-F]{24})?$`)
	anyHash  = regexp.MustCompile(`^[0-9a-fA-F]{7,64}$`)
)

// parseDynServ takes apart the first segment behind DynServ. The commit stands
// where the whole of one stands; module names have no dots.
func parseDynServ(segment string) (module, commit string, ok bool) {
	before, after, found := strings.Cut(segment, ".")
	if !found {
		return "", "", false
	}
	switch {
	case fullHash.MatchString(after), !fullHash.MatchString(before) && anyHash.MatchString(after):
		module, commit = before, after
	case anyHash.MatchString(before):
		module, commit = after, before
	default:
		return "", "", false
	}
	return strings.ReplaceAll(module, "-", "_"), strings.ToLower(commit), true
}

// share lets browsers of any origin read an answer, unless it says itself who
// may: two values are none to them.
func share(in *http.Request, header http.Header) {
	if len(header["Access-Control-Allow-Origin"]) > 0 {
		return
	}
	allow := in.Header.Get("Access-Control-Request-Headers")
	if allow == "" {
		allow = "authorization"
	}
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Allow-Headers", allow)
	if method := in.Header.Get("Access-Control-Request-Method"); method != "" {
		header.Set("Access-Control-Allow-Methods", method)
	}
}

// preflight reports whether a browser asks if it may make a call.
func preflight(in *http.Request) bool {
	return in.Method == http.MethodOptions && in.Header.Get("Access-Control-Request-Method") != ""
}

// refusedDynServ prepares a refusal, or is all of it: a browser that asks first
// is to come to the call, whose refusal it can show.
func (c *call) refusedDynServ() (done bool) {
	share(c.in, c.w.Header())
	switch {
	case preflight(c.in):
		c.status = http.StatusOK
		c.w.WriteHeader(c.status)
		return true
	case c.env.method == "" && c.in.Method == http.MethodPost && c.to == nil:
		// Where nothing is, every POST was meant as a call.
		c.env.method = "?"
	}
	if c.env.method != "" {
		c.status = http.StatusInternalServerError
	}
	return false
}

// permit answers a browser that asks first where the service does not know the
// question.
func (c *call) permit(h http.Header, status int) int {
	unknown := len(h["Access-Control-Allow-Origin"]) == 0
	share(c.in, h)
	if preflight(c.in) && unknown && status >= http.StatusBadRequest {
		return http.StatusOK
	}
	return status
}
