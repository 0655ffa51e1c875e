package lane

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// fields is what the handler's header says that has to be known later.
type fields struct {
	typed bool // it has a Content-Type, or an encoding that none can be guessed through
	dated bool // it has a Date
	late  bool // it has trailers that it did not announce
}

// statusLines are those of the statuses that have a text.
var statusLines = func() (lines [600]string) {
	for status := range lines {
		if text := http.StatusText(status); text != "" {
			lines[status] = "HTTP/1.1 " + strconv.Itoa(status) + " " + text + "\r\n"
		}
	}
	return lines
}()

func appendStatus(out []byte, status int) []byte {
	if status < len(statusLines) && statusLines[status] != "" {
		return append(out, statusLines[status]...)
	}
	code := strconv.Itoa(status)
	return append(out, "HTTP/1.1 "+code+" status code "+code+"\r\n"...)
}

// appendFields writes the handler's header, but for what frames the answer.
func (w *response) appendFields() {
	for name, values := range w.header {
		switch name {
		case "Content-Length":
			if len(values) > 0 {
				if n, ok := length(values[0]); ok {
					w.length = n
				}
			}
			continue
		case "Transfer-Encoding":
			continue // the lane chunks itself
		case "Connection":
			if len(values) > 0 && values[0] == "close" {
				w.closing = true
			}
			continue
		case "Date":
			w.dated = true
		case "Content-Type":
			w.typed = true
			if !hasType(w.status) {
				continue
			}
		case "Content-Encoding":
			w.typed = w.typed || len(values) > 0 && values[0] != ""
		case "Trailer":
			for _, list := range values {
				w.announce(list)
			}
		}
		if strings.HasPrefix(name, http.TrailerPrefix) {
			w.late = true
			continue
		}
		if !token(name) || name == "" {
			continue // would break the head
		}
		for _, value := range values {
			w.out = appendField(w.out, name, value)
		}
	}
}

// hasType reports whether an answer of that status may say what its body is; one that
// says that nothing has changed may not.
func hasType(status int) bool { return status != http.StatusNotModified }

func appendField(out []byte, name, value string) []byte {
	out = append(append(out, name...), ": "...)
	value = textproto.TrimString(value)
	if strings.IndexByte(value, '\n') >= 0 || strings.IndexByte(value, '\r') >= 0 {
		value = newlines.Replace(value)
	}
	return append(append(out, value...), "\r\n"...)
}

var newlines = strings.NewReplacer("\n", " ", "\r", " ")

func (w *response) appendLength(n int64) {
	w.out = append(strconv.AppendInt(append(w.out, "Content-Length: "...), n, 10), "\r\n"...)
}

// appendRest writes what the lane says itself. first is the beginning of the body.
func (w *response) appendRest(first []byte) {
	if len(first) > 0 && !w.typed && hasBody(w.status) {
		w.out = appendField(w.out, "Content-Type", http.DetectContentType(first))
	}
	if !w.dated {
		w.out = append(w.out, *w.c.s.date.Load()...)
	}
	if w.closing {
		w.out = append(w.out, "Connection: close\r\n"...)
	}
	w.out = append(w.out, "\r\n"...)
}

// announce notes which headers are to follow the body.
func (w *response) announce(list string) {
	for name := range strings.SplitSeq(list, ",") {
		if name = http.CanonicalHeaderKey(textproto.TrimString(name)); trails(name) {
			w.trailers = append(w.trailers, name)
		}
	}
}

// trails reports whether a header may follow the body.
func trails(name string) bool {
	if name == "" || !token(name) || strings.HasPrefix(name, "If-") {
		return false
	}
	switch name {
	case "Authorization", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Range", "Content-Type",
		"Expect", "Host", "Keep-Alive", "Max-Forwards", "Pragma", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
		"Range", "Realm", "Te", "Trailer", "Transfer-Encoding", "Www-Authenticate":
		return false
	}
	return true
}

// appendTrailer ends a body in chunks.
func (w *response) appendTrailer() {
	w.out = append(w.out, "0\r\n"...)
	for name, values := range w.header {
		if name, ok := strings.CutPrefix(name, http.TrailerPrefix); ok && token(name) {
			for _, value := range values {
				w.out = appendField(w.out, name, value)
			}
		}
	}
	for _, name := range w.trailers {
		for _, value := range w.header[name] {
			w.out = appendField(w.out, name, value)
		}
	}
	w.out = append(w.out, "\r\n"...)
}
