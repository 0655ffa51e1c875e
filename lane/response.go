package lane

import (
	"net/http"
	"strconv"
	"time"
)

const (
	// unknownSize is how much of a body is kept back whose length nobody has said: if
	// that is all, it goes with its length, as net/http has it.
	unknownSize = 2 << 10
	writeSize   = 4 << 10  // what is gathered for one write
	writeKept   = 16 << 10 // a buffer that is larger is not kept
)

// response is what the handler writes the answer to.
type response struct {
	c       *conn
	request *http.Request
	body    *body // of the request; nil: it has none
	header  http.Header

	status   int
	out      []byte // to be written
	kept     []byte // the beginning of a body of unknown length
	length   int64  // of the body, as the handler has said; -1: it has not
	written  int64
	trailers []string
	fields
	begun   bool // the status is known and the handler's header is in out
	framed  bool // the rest of the head is
	chunked bool
	closing bool  // the connection is not used again
	unread  bool  // some of the request is still to come
	failed  error // of writing
}

func (w *response) begin(r *http.Request, b *body) {
	w.request, w.body, w.closing = r, b, r.Close
}

// forget makes the response that of the next request.
func (w *response) forget() {
	clear(w.header)
	out, kept := w.out[:0], w.kept[:0]
	if cap(out) > writeKept {
		out = nil
	}
	*w = response{c: w.c, header: w.header, out: out, kept: kept}
}

// Header is the header that the handler fills.
func (w *response) Header() http.Header { return w.header }

// WriteHeader takes the status and the header as they are now. Informational answers
// are not passed on.
func (w *response) WriteHeader(status int) {
	if w.begun || status >= 100 && status < 200 {
		return
	}
	if status < 100 || status > 999 {
		panic("invalid WriteHeader code " + strconv.Itoa(status)) // as net/http has it
	}
	w.begun, w.status, w.length = true, status, -1
	w.out = appendStatus(w.out, status)
	w.appendFields()
}

// Write takes a part of the body.
func (w *response) Write(p []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case len(p) == 0:
		return 0, w.failed
	case !hasBody(w.status):
		return 0, http.ErrBodyNotAllowed
	}
	w.written += int64(len(p))
	if w.length >= 0 && w.written > w.length {
		return 0, http.ErrContentLength
	}
	if !w.framed && w.length < 0 && len(w.kept)+len(p) <= unknownSize {
		w.kept = append(w.kept, p...)
		return len(p), nil
	}
	w.frame(p, false)
	w.send(p)
	if w.failed != nil {
		return 0, w.failed
	}
	return len(p), nil
}

// frame completes the head. p is what of the body comes next, after what was kept, and
// last says that this is all of it.
func (w *response) frame(p []byte, last bool) {
	if w.framed {
		return
	}
	w.framed = true
	if !w.closing && !w.body.drain() {
		w.closing, w.unread = true, true
	}
	w.closing = w.closing || w.c.s.closing.Load() || w.c.ctx.Err() != nil
	head := w.request.Method == http.MethodHead
	switch {
	case !hasBody(w.status):
	case w.length >= 0:
		w.appendLength(w.length)
	case last && len(w.trailers) == 0 && !w.late && (!head || len(w.kept) > 0):
		w.length = int64(len(w.kept))
		w.appendLength(w.length)
	case !head:
		w.chunked = true
		w.out = append(w.out, "Transfer-Encoding: chunked\r\n"...)
	}
	w.appendRest(w.beginning(p))
	if len(w.kept) > 0 {
		w.send(w.kept)
		w.kept = w.kept[:0]
	}
}

// beginning is as much of the body as its type is told by.
func (w *response) beginning(p []byte) []byte {
	const enough = 512
	if n := len(w.kept); n > 0 {
		return append(w.kept[:n:n], p[:max(0, min(enough-n, len(p)))]...)
	}
	return p
}

// send puts a part of the body behind the head.
func (w *response) send(p []byte) {
	if w.request.Method == http.MethodHead || w.failed != nil || len(p) == 0 {
		return
	}
	if w.chunked {
		w.out = append(strconv.AppendInt(w.out, int64(len(p)), 16), "\r\n"...)
	}
	if len(w.out)+len(p) <= writeSize {
		w.out = append(w.out, p...)
	} else {
		_ = w.flush() // the error is kept
		w.write(p)
	}
	if w.chunked {
		w.out = append(w.out, "\r\n"...)
	}
}

func (w *response) flush() error {
	if len(w.out) > 0 && w.framed {
		w.write(w.out)
		w.out = w.out[:0]
	}
	return w.failed
}

func (w *response) write(p []byte) {
	if w.failed != nil {
		return
	}
	if _, w.failed = w.c.raw.Write(p); w.failed != nil {
		w.closing = true
		w.c.cancel() // nobody reads the answer
	}
}

// FlushError sends what there is, for [http.ResponseController].
func (w *response) FlushError() error {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	w.frame(nil, false)
	return w.flush()
}

// Flush is FlushError for [http.Flusher].
func (w *response) Flush() { _ = w.FlushError() } // its interface has no room for the error

// SetReadDeadline is for [http.ResponseController].
func (w *response) SetReadDeadline(at time.Time) error { return w.c.raw.SetReadDeadline(at) }

// SetWriteDeadline is for [http.ResponseController].
func (w *response) SetWriteDeadline(at time.Time) error { return w.c.raw.SetWriteDeadline(at) }

// finish ends the answer and reports whether the connection is good for another
// request.
func (w *response) finish() bool {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	w.frame(nil, true)
	if w.chunked {
		w.appendTrailer()
	}
	if w.length >= 0 && w.written != w.length && hasBody(w.status) && w.request.Method != http.MethodHead {
		w.closing = true // the caller waits for more than there will be
	}
	err := w.flush()
	if err == nil && (w.unread || w.body != nil && w.body.left.Load() > 0) {
		w.c.linger()
		return false
	}
	return err == nil && !w.closing
}

// hasBody reports whether an answer of that status has a body.
func hasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
