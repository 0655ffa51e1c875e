package gateway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CORS says which web pages may read the answers to their calls. The gateway alone
// answers that below [Prefix]: what a service says of it is dropped, because it would
// hold for an address that all services share. Below [DynServ] KBase's rules hold.
type CORS struct {
	Origins     []string      // as in the header Origin, e.g. https://narrative.example.org; nil: all
	Credentials bool          // whether pages of Origins may send cookies; not with all
	MaxAge      time.Duration // for which browsers may remember the answer; 0: 10 minutes
}

const defaultCORSAge = 10 * time.Minute

const (
	allowOrigin      = "Access-Control-Allow-Origin"
	allowCredentials = "Access-Control-Allow-Credentials"
	allowHeaders     = "Access-Control-Allow-Headers"
	allowMethods     = "Access-Control-Allow-Methods"
	exposeHeaders    = "Access-Control-Expose-Headers"
	maxAge           = "Access-Control-Max-Age"
)

// everything is shared by all answers: nobody writes to it.
var everything = []string{"*"}

// admits says for which page an answer may be read, as the value of a header; nil: for
// none that asks.
func (s *CORS) admits(in *http.Request) []string {
	if len(s.Origins) == 0 {
		return everything
	}
	if origin := in.Header["Origin"]; len(origin) == 1 && slices.Contains(s.Origins, origin[0]) {
		return []string{origin[0]}
	}
	return nil
}

// share says in the head of an answer which pages may read it, in place of what the
// service said.
func (c *call) share(h http.Header) {
	if c.route.dynserv || c.job != nil {
		return
	}
	for _, name := range []string{allowOrigin, allowCredentials, allowHeaders, allowMethods, maxAge} {
		delete(h, name)
	}
	s := &c.g.opts.CORS
	if len(s.Origins) > 0 && !slices.Contains(h["Vary"], "Origin") {
		h["Vary"] = append(h["Vary"], "Origin")
	}
	origin := s.admits(c.in)
	if origin == nil {
		delete(h, exposeHeaders)
		return
	}
	h[allowOrigin] = origin
	switch {
	case len(s.Origins) > 0 && s.Credentials:
		// Here * would be a header of that name: what the service exposes stays, with ours.
		h[allowCredentials] = []string{"true"}
		for _, name := range []string{headerRequestID, "Server-Timing", "Retry-After"} {
			if !slices.Contains(h[exposeHeaders], name) {
				h[exposeHeaders] = append(h[exposeHeaders], name)
			}
		}
	case len(c.in.Header["Origin"]) > 0:
		h[exposeHeaders] = everything
	}
}

// preflight answers a browser that asks first whether a page may make a call. No
// service is woken for that.
func (c *call) preflight() {
	h, asked := c.w.Header(), c.in.Header
	h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	if h[allowOrigin] != nil {
		h.Set(allowMethods, asked.Get("Access-Control-Request-Method"))
		if want := asked.Get("Access-Control-Request-Headers"); want != "" {
			h.Set(allowHeaders, want)
		}
		age := c.g.opts.CORS.MaxAge
		if age == 0 {
			age = defaultCORSAge
		}
		h.Set(maxAge, strconv.Itoa(int(age.Seconds())))
	}
	c.status = http.StatusNoContent
	c.w.WriteHeader(c.status)
}

// confine keeps cookies that a service sets to its own paths: it shares the host with
// all others.
func (c *call) confine(h http.Header) {
	cookies := h["Set-Cookie"]
	if len(cookies) == 0 {
		return
	}
	own := make([]string, len(cookies))
	for i, cookie := range cookies {
		own[i] = confined(cookie, c.route.prefix)
	}
	h["Set-Cookie"] = own
}

func confined(cookie, prefix string) string {
	path := "/"
	pair, attributes, _ := strings.Cut(cookie, ";")
	kept := []string{pair}
	for attribute := range strings.SplitSeq(attributes, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(attribute), "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "": // nothing stands between two semicolons
		case "domain": // would give it to other hosts
		case "path": // the last one holds
			if value = strings.TrimSpace(value); !strings.HasPrefix(value, "/") {
				value = "/"
			}
			path = value
		default:
			kept = append(kept, " "+strings.TrimSpace(attribute))
		}
	}
	if rest, ok := strings.CutPrefix(path, prefix); !ok || rest != "" && rest[0] != '/' {
		path = prefix + strings.TrimSuffix(path, "/") // without a slash at its end it holds for the root, too
	}
	return strings.Join(append(kept, " Path="+path), ";")
}
