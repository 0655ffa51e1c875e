package upstream

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Request is what is sent.
type Request struct {
	Method string
	Target string // path and query, as on the wire
	Host   string
	Header http.Header // sent as it is, but for what frames the message; no header of one connection belongs in it

	Body []byte // all of the body, nil where Stream is set
	// Stream is a body that is still to come; nil: there is none. Where the header
	// says "Expect: 100-continue" it is not read before the other side asks for it.
	Stream io.Reader
	Length int64 // of Stream; -1: unknown, it goes in chunks
	// Trailer follows a Stream of unknown length. Its names are announced and its
	// values read when Stream has ended.
	Trailer http.Header
	// Repeat says that the request may arrive twice. Body is sent again then if a
	// connection dies without a word.
	Repeat bool
	// Cut makes a Read of Stream that waits return soon. It is called once at
	// most, before Release returns.
	Cut func()
}

// wholeLimit is how large a body is sent without listening for the answer
// meanwhile. Any system takes as much from us though nobody reads.
const wholeLimit = 16 << 10

// framed are the headers that Send writes itself.
func framed(name string) bool {
	switch name {
	case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
		return true
	}
	return false
}

// Send writes the request. A body that is still to come, or is large, is sent
// while the answer is awaited. An error of the writing itself is told by
// ReadHead, unless nothing was written: the service may have answered before it
// stopped listening.
func (c *Conn) Send(r *Request) error {
	c.sent.Store(0)
	c.method = r.Method
	if err := c.writeHead(r); err != nil {
		return err
	}
	stream, length := r.Stream, r.Length
	if stream == nil && len(r.Body) > wholeLimit {
		stream, length = &rest{r.Body}, int64(len(r.Body))
	}
	if stream != nil {
		c.upload = &upload{source: stream, length: length, trailer: r.Trailer, interrupt: r.Cut, done: make(chan struct{})}
		c.upload.held = r.Stream != nil && r.Header.Get("Expect") == "100-continue"
		if !c.upload.held {
			go c.upload.run(c)
			return nil
		}
	}
	_, err := c.out.Write(r.Body)
	if err == nil {
		err = c.out.Flush()
	}
	if err != nil {
		c.broken = true
		if c.sent.Load() == 0 {
			return fmt.Errorf("write to the instance: %w", err)
		}
		c.writing = err
	}
	return nil
}

// writeHead writes the head into the buffer.
func (c *Conn) writeHead(r *Request) error {
	if bad(r.Method) || bad(r.Target) || bad(r.Host) {
		c.broken = true
		return errors.New("a request line with white space or control characters")
	}
	w := c.out
	write := func(parts ...string) {
		for _, s := range parts {
			_, _ = w.WriteString(s) // the writer keeps the first error for Flush
		}
	}
	write(r.Method, " ", r.Target, " HTTP/1.1\r\nHost: ", r.Host, "\r\n")
	switch {
	case r.Stream != nil && r.Length < 0:
		write("Transfer-Encoding: chunked\r\n")
		for name := range r.Trailer {
			write("Trailer: ", name, "\r\n")
		}
	case r.Stream != nil:
		c.writeLength(r.Length)
	case len(r.Body) > 0 || r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch:
		c.writeLength(int64(len(r.Body)))
	}
	for name, values := range r.Header {
		if !framed(name) {
			for _, value := range values {
				write(name, ": ", plain(value), "\r\n")
			}
		}
	}
	write("\r\n")
	return nil
}

func (c *Conn) writeLength(n int64) {
	_, _ = c.out.WriteString("Content-Length: ")
	_, _ = c.out.Write(strconv.AppendInt(c.out.AvailableBuffer(), n, 10))
	_, _ = c.out.WriteString("\r\n")
}

// bad reports whether a part of the request line could be taken for two.
func bad(part string) bool {
	for i := range len(part) {
		if part[i] <= ' ' || part[i] == 0x7f {
			return true
		}
	}
	return false
}

// plain is a header's value without what would end it.
func plain(value string) string {
	if strings.IndexByte(value, '\n') < 0 && strings.IndexByte(value, '\r') < 0 && strings.IndexByte(value, 0) < 0 {
		return value
	}
	return strings.NewReplacer("\n", " ", "\r", " ", "\x00", " ").Replace(value)
}
