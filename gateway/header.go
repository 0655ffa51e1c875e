package gateway

import (
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/upstream"
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

// texts lends room for the values of headers that have one each.
type texts struct {
	values [8]string
	used   int
}

func (t *texts) one(value string) []string {
	if t.used == len(t.values) {
		return []string{value}
	}
	t.values[t.used] = value
	t.used++
	return t.values[t.used-1 : t.used : t.used]
}

// rewrite makes the header that the service gets. Hop-by-hop headers, and those
// that the caller named in Connection, are gone by now; what is set here stays.
func (c *call) rewrite(h http.Header) {
	for name := range h {
		if reserved(name) {
			delete(h, name)
		}
	}
	delete(h, "Expect") // the server has answered it
	c.introduce(h)
	c.propagate(h)
	if c.from.addr != "" {
		h["X-Forwarded-For"] = c.own.one(c.from.chain)
		h["X-Real-Ip"] = c.own.one(c.from.addr)
	}
	h["X-Forwarded-Host"] = c.own.one(c.from.host)
	h["X-Forwarded-Proto"] = c.own.one(c.from.proto)
	h["X-Forwarded-Prefix"] = c.own.one(c.route.prefix)
	h[headerRequestID] = c.own.one(c.requestID)
	c.due(h)
	if c.job != nil {
		c.job.mark(h)
	}
}

// due says when the call is given up.
func (c *call) due(h http.Header) {
	if at := c.clock.deadline(); !at.IsZero() {
		h[headerDeadline] = c.own.one(strconv.FormatInt(at.UnixMilli(), 10))
	}
}

// rewriteTunnel does the same for a call that the standard proxy passes on.
func (c *call) rewriteTunnel(pr *httputil.ProxyRequest) {
	path, err := url.PathUnescape(c.route.rest)
	if err != nil { // a part of what the server has parsed: cannot be
		path = c.route.rest
	}
	pr.Out.URL = &url.URL{
		Scheme: "http", Path: path, RawPath: c.route.rest,
		RawQuery: pr.In.URL.RawQuery, ForceQuery: pr.In.URL.ForceQuery,
	}
	c.rewrite(pr.Out.Header)
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

// upgrades reports whether a caller asks for a WebSocket, and lets it ask for
// nothing else.
func upgrades(r *http.Request) bool {
	delete(r.Header, "Http2-Settings")
	if upstream.WebSocket(r) {
		return true
	}
	delete(r.Header, "Upgrade")
	return false
}

// timing is the Server-Timing header after a cold start, in milliseconds.
func (c *cold) timing() string {
	ms := func(d time.Duration) string { return strconv.FormatFloat(d.Seconds()*1000, 'f', 1, 64) }
	return "place;dur=" + ms(c.place) + ", start;dur=" + ms(c.start) + ", ready;dur=" + ms(c.ready)
}
