package gateway

import (
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	headerRequestID = "X-Request-Id"
	headerDeadline  = "X-Dynsvc-Deadline" // unix ms: when the call is given up
	headerService   = "X-Dynsvc-Service"  // who answered, while that is not what the reference means for good
	requestIDLimit  = 128
)

// requestID returns the caller's own id, if it can stand in a log, or makes one.
func requestID(h http.Header) string {
	if own := h[headerRequestID]; len(own) == 1 && sane(own[0]) {
		return own[0]
	}
	const digits = 16
	id := strconv.FormatUint(rand.Uint64(), 16)
	return strings.Repeat("0", digits-len(id)) + id
}

func sane(id string) bool {
	if id == "" || len(id) > requestIDLimit {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case c == '-', c == '_', c == '.', c == ':':
		default:
			return false
		}
	}
	return true
}

// rewrite makes the request that the service gets. Hop-by-hop headers, and
// those that the caller named in Connection, are gone by now; what is set here
// stays.
func (c *call) rewrite(pr *httputil.ProxyRequest) {
	out := pr.Out
	path, err := url.PathUnescape(c.route.rest)
	if err != nil { // a part of what the server has parsed: cannot be
		path = c.route.rest
	}
	out.URL = &url.URL{
		Scheme: "http", Path: path, RawPath: c.route.rest,
		RawQuery: pr.In.URL.RawQuery, ForceQuery: pr.In.URL.ForceQuery,
	}
	for name := range out.Header {
		if reserved(name) {
			delete(out.Header, name)
		}
	}
	delete(out.Header, "Expect") // the server has answered it
	c.introduce(out.Header)
	pr.SetXForwarded()
	out.Header["X-Forwarded-Prefix"] = []string{c.route.prefix}
	out.Header[headerRequestID] = []string{c.requestID}
	if at := c.clock.deadline(); !at.IsZero() {
		out.Header[headerDeadline] = []string{strconv.FormatInt(at.UnixMilli(), 10)}
	}
	if ip, _, err := net.SplitHostPort(pr.In.RemoteAddr); err == nil {
		out.Header["X-Real-Ip"] = []string{ip}
	}
}

// reserved reports whether only the gateway may set a header. An underscore
// counts as a dash, because CGI and WSGI servers cannot tell them apart.
func reserved(name string) bool {
	switch name[0] {
	case 'X', 'x', 'F', 'f':
	default:
		return false
	}
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	return strings.HasPrefix(name, "x-dynsvc-") || strings.HasPrefix(name, "x-forwarded-") ||
		name == "x-real-ip" || name == "x-request-id" || name == "forwarded"
}

// upgrade lets a caller ask for a WebSocket and for nothing else: an upgrade to
// HTTP/2 would carry further requests past everything here.
func upgrade(r *http.Request) {
	delete(r.Header, "Http2-Settings")
	if up, ok := r.Header["Upgrade"]; ok &&
		(len(up) != 1 || !strings.EqualFold(up[0], "websocket") || r.Method != http.MethodGet) {
		delete(r.Header, "Upgrade")
	}
}

// timing is the Server-Timing header after a cold start, in milliseconds.
func (c *cold) timing() string {
	ms := func(d time.Duration) string { return strconv.FormatFloat(d.Seconds()*1000, 'f', 1, 64) }
	return "place;dur=" + ms(c.place) + ", start;dur=" + ms(c.start) + ", ready;dur=" + ms(c.ready)
}
