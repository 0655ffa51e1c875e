package upstream

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// EndToEnd takes out of a request what is between a proxy and its caller only.
func EndToEnd(h http.Header) {
	for _, list := range h["Connection"] {
		forget(h, list)
	}
	te := h["Te"]
	for _, hop := range []string{"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade"} {
		delete(h, hop)
	}
	if len(te) > 0 && slices.ContainsFunc(te, func(list string) bool { return slices.Contains(Words(list), "trailers") }) {
		h["Te"] = []string{"trailers"}
	}
}

// forget deletes the headers that a Connection header names.
func forget(h http.Header, list string) {
	for _, name := range Words(list) {
		delete(h, http.CanonicalHeaderKey(name))
	}
}

// Words are the parts of a comma-separated list.
func Words(list string) []string {
	all := strings.Split(list, ",")
	for i := range all {
		all[i] = textproto.TrimString(all[i])
	}
	return all
}

// WebSocket reports whether a request asks for a WebSocket, the one thing that is
// upgraded to: an upgrade to HTTP/2 would carry further requests past a proxy.
func WebSocket(r *http.Request) bool {
	up, asks := r.Header["Upgrade"], func(list string) bool {
		return slices.ContainsFunc(Words(list), func(word string) bool { return strings.EqualFold(word, "upgrade") })
	}
	return len(up) == 1 && strings.EqualFold(up[0], "websocket") && r.Method == http.MethodGet && slices.ContainsFunc(r.Header["Connection"], asks)
}

// EventStream reports whether a media type is that of server-sent events.
func EventStream(value string) bool {
	kind, _, _ := strings.Cut(value, ";")
	return strings.EqualFold(textproto.TrimString(kind), "text/event-stream")
}

// announce passes on which trailers will come.
func announce(h http.Header, list string) {
	for _, name := range Words(list) {
		if name = http.CanonicalHeaderKey(name); trailing(name) {
			h["Trailer"] = append(h["Trailer"], name)
		}
	}
}

// trailing reports whether a header may come after a body.
func trailing(name string) bool {
	switch name {
	case "", "Transfer-Encoding", "Content-Length", "Trailer", "Connection", "Keep-Alive", "Upgrade", "X-Request-Id":
		return false
	}
	return true
}
