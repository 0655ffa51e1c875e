package upstream

import (
	"bytes"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
	"time"
)

const (
	headKept = 16 << 10 // a buffer for heads that is larger is not kept
	// informLimit is how many informational answers may come before the answer.
	informLimit = 16
	// lastRead is how long an answer may take after the request could not be
	// written to its end: it is there already, or never comes.
	lastRead = 200 * time.Millisecond
)

// Response is the head of an answer.
type Response struct {
	Status int
	Fields []Field // the header in its order; names in canonical form
	Length int64   // of the body; -1: unknown
	// Trailers is set with the end of a body that came in chunks: Fields are now
	// those of its trailer, of which there may be none.
	Trailers bool
}

// Field is one line of a header.
type Field struct{ Name, Value string }

// MalformedError is an answer that cannot be read without a doubt.
type MalformedError struct{ what string }

func (e *MalformedError) Error() string { return "malformed answer: " + e.what }

func malformed(format string, args ...any) error {
	return &MalformedError{fmt.Sprintf(format, args...)}
}

// ReadHead waits for the head of the answer. Informational answers before it are
// left out. The connection's Response is valid until Release.
func (c *Conn) ReadHead() error {
	if c.writing != nil {
		_ = c.raw.SetReadDeadline(time.Now().Add(lastRead)) // an error means that it is closed
	}
	for range informLimit {
		err := c.readHead()
		switch {
		case err != nil && c.writing != nil:
			return c.fail(fmt.Errorf("write to the instance: %w", c.writing))
		case err != nil:
			return c.fail(err)
		case c.Status == http.StatusSwitchingProtocols:
			return c.fail(malformed("status 101 though nothing was to be switched to"))
		case c.Status == http.StatusContinue && c.upload != nil && c.upload.held:
			c.upload.held = false
			go c.upload.run(c)
		case c.Status >= http.StatusOK:
			if err := c.frame(); err != nil {
				return c.fail(err)
			}
			return nil
		}
	}
	return c.fail(malformed("more than %d informational answers", informLimit))
}

// readHead reads one head.
func (c *Conn) readHead() error {
	c.head = c.head[:0]
	if err := c.readLine(); err != nil {
		return err
	}
	// What comes first decides where the rest ends, so it is judged first.
	minor, status, err := statusLine(c.head)
	if err != nil {
		return err
	}
	start := len(c.head)
	if err := c.readFields(start); err != nil {
		return err
	}
	fields, err := parseFields(c.Fields[:0], string(c.head[start:]))
	if err != nil {
		return err
	}
	c.body.minor, c.Status, c.Fields = minor, status, fields
	return nil
}

// readFields appends lines to head up to an empty one.
func (c *Conn) readFields(start int) error {
	for {
		before := len(c.head)
		if err := c.readLine(); err != nil {
			return err
		}
		line := c.head[before:]
		if c.body.chunked && (len(line) < 2 || line[len(line)-2] != '\r') {
			return malformed("a line of a trailer that does not end with CRLF")
		}
		if len(line) == 1 || len(line) == 2 && line[0] == '\r' {
			c.head = c.head[:before]
			return nil
		}
		if len(c.head)-start > c.pool.client.HeadLimit {
			return malformed("a header of more than %d bytes", c.pool.client.HeadLimit)
		}
	}
}

// readLine appends one line to head, with what ends it.
func (c *Conn) readLine() error {
	for {
		part, err := c.in.ReadSlice('\n')
		c.head = append(c.head, part...)
		if err == nil {
			return nil
		}
		if len(c.head) > c.pool.client.HeadLimit {
			return malformed("a header of more than %d bytes", c.pool.client.HeadLimit)
		}
		if len(part) < bufferSize { // else the buffer was full
			return err
		}
	}
}

// statusLine reads "HTTP/1.1 200 OK".
func statusLine(line []byte) (minor, status int, err error) {
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	const form = "HTTP/1.x 000"
	ok := len(line) >= len(form) && string(line[:7]) == "HTTP/1." && (line[7] == '0' || line[7] == '1') && line[8] == ' ' &&
		(len(line) == len(form) || line[len(form)] == ' ')
	for i := 9; ok && i < len(form); i++ {
		ok = line[i] >= '0' && line[i] <= '9'
		status = status*10 + int(line[i]-'0')
	}
	if !ok || status < 100 {
		return 0, 0, malformed("it begins with %.40q", line)
	}
	return int(line[7] - '0'), status, nil
}

// parseFields appends the lines of a header.
func parseFields(fields []Field, text string) ([]Field, error) {
	for len(text) > 0 {
		line, after, _ := strings.Cut(text, "\n")
		text = after
		line = strings.TrimSuffix(line, "\r")
		colon := strings.IndexByte(line, ':')
		if colon <= 0 || !token(line[:colon]) {
			return fields, malformed("a header line %.60q", line)
		}
		value := strings.Trim(line[colon+1:], " \t")
		if !printable(value) {
			return fields, malformed("control characters in the header %s", line[:colon])
		}
		fields = append(fields, Field{textproto.CanonicalMIMEHeaderKey(line[:colon]), value})
	}
	return fields, nil
}

// isToken says which bytes a header's name is made of.
var isToken = func() (set [256]bool) {
	for c := byte('0'); c <= 'z'; c++ {
		set[c] = c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a'
	}
	for _, c := range []byte("!#$%&'*+-.^_`|~") {
		set[c] = true
	}
	return set
}()

func token(s string) bool {
	for i := range len(s) {
		if !isToken[s[i]] {
			return false
		}
	}
	return true
}

// printable reports whether a value has no control characters. Bytes beyond
// ASCII are let through, as they always were.
func printable(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
