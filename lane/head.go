package lane

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// fieldLimit is how many lines of a header the lane takes.
const fieldLimit = 64

// head is where a connection reads the heads of its requests into.
type head struct {
	req    *http.Request // with the context of the connection
	url    url.URL
	values [fieldLimit]string
	used   int   // of values
	length int64 // of the body
}

var endOfHead = []byte("\r\n\r\n")

// read makes the head at the beginning of b the request, and returns how many bytes
// it has. It is not ok where the lane does not take it.
func (h *head) read(b []byte, prefixes []string) (n int, ok bool) {
	end := bytes.Index(b, endOfHead)
	if end < 0 {
		return 0, false
	}
	n = end + len(endOfHead)
	line, fields, _ := strings.Cut(string(b[:end+2]), "\r\n") // the one copy: all texts of the request are parts of it
	r := h.req
	if !h.readLine(line, prefixes) || !h.readFields(fields) || r.Host == "" {
		return 0, false
	}
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	r.ContentLength, r.Body = h.length, http.NoBody
	return n, true
}

// begins reports whether what there is of a head may be for the lane: its first line is
// there.
func (h *head) begins(b []byte, prefixes []string) bool {
	end := bytes.Index(b, endOfHead[:2])
	return end >= 0 && h.readLine(string(b[:end]), prefixes)
}

// readLine reads "POST /svc/M HTTP/1.1".
func (h *head) readLine(line string, prefixes []string) bool {
	method, rest, _ := strings.Cut(line, " ")
	target, proto, _ := strings.Cut(rest, " ")
	if !known(method) || proto != "HTTP/1.1" || !below(target, prefixes) {
		return false
	}
	r := h.req
	r.Method, r.RequestURI, r.URL = method, target, &h.url
	if path, query, _ := strings.Cut(target, "?"); plain(path) {
		force := query == "" && len(path) < len(target)
		h.url = url.URL{Path: path, RawQuery: query, ForceQuery: force}
		return graphic(query)
	}
	parsed, err := url.ParseRequestURI(target)
	if err != nil || !graphic(target) {
		return false
	}
	r.URL = parsed
	return true
}

func known(method string) bool {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return true
	}
	return false
}

func below(target string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(target, prefix) {
			return true
		}
	}
	return false
}

// readFields reads the lines of the header, each with its end.
func (h *head) readFields(text string) bool {
	r := h.req
	r.Host, r.Close, h.length = "", false, 0
	lengths := 0
	for text != "" {
		line, after, _ := strings.Cut(text, "\r\n")
		text = after
		colon := strings.IndexByte(line, ':')
		if h.used == fieldLimit || colon <= 0 || !token(line[:colon]) {
			return false
		}
		name, value := textproto.CanonicalMIMEHeaderKey(line[:colon]), trim(line[colon+1:])
		if !printable(value) {
			return false
		}
		switch name {
		case "Host":
			if r.Host != "" || !host(value) {
				return false
			}
			r.Host = value
			continue
		case "Content-Length":
			var ok bool
			if h.length, ok = length(value); !ok || lengths > 0 {
				return false
			}
			lengths++
		case "Connection":
			if r.Header[name] != nil {
				return false
			}
			switch {
			case strings.EqualFold(value, "keep-alive"):
			case strings.EqualFold(value, "close"):
				r.Close = true
			default:
				return false
			}
		case "Transfer-Encoding", "Trailer", "Upgrade", "Http2-Settings", "Expect", "Pragma":
			return false
		}
		if values := r.Header[name]; values != nil {
			r.Header[name] = append(values, value)
			continue
		}
		h.values[h.used] = value
		h.used++
		r.Header[name] = h.values[h.used-1 : h.used : h.used]
	}
	return true
}

// forget lets go of the texts of the request.
func (h *head) forget() {
	clear(h.req.Header)
	clear(h.values[:h.used])
	h.used = 0
}

func length(value string) (n int64, ok bool) {
	if value == "" || len(value) > 18 {
		return 0, false
	}
	for i := range len(value) {
		if value[i] < '0' || value[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(value[i]-'0')
	}
	return n, true
}

// What bytes may be.
const (
	inToken = 1 << iota
	inPath  // as it is, in a path of which nobody can think that it is escaped
	inHost
)

var kinds = func() (kinds [256]byte) {
	for c := byte('0'); c <= 'z'; c++ {
		if c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' {
			kinds[c] = inToken | inPath | inHost
		}
	}
	for _, set := range []struct {
		bytes string
		kind  byte
	}{{"!#$%&'*+-.^_`|~", inToken}, {"/-._~@", inPath}, {"-._:[]", inHost}} {
		for i := range len(set.bytes) {
			kinds[set.bytes[i]] |= set.kind
		}
	}
	return kinds
}()

func all(s string, kind byte) bool {
	for i := range len(s) {
		if kinds[s[i]]&kind == 0 {
			return false
		}
	}
	return true
}

func token(s string) bool { return all(s, inToken) }
func plain(s string) bool { return all(s, inPath) }
func host(s string) bool  { return s != "" && all(s, inHost) }

// graphic reports whether s can stand in a target and has no fragment.
func graphic(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return true
}

// printable reports whether a value has no control characters.
func printable(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// trim cuts off the white space around a value.
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}
