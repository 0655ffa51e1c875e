package upstream

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

const (
	bigSize = 32 << 10
	// chunkLine bounds the line before a chunk, extensions included.
	chunkLine = 256
)

// bigBuffers lends what bodies are copied with that do not come at once.
var bigBuffers = sync.Pool{New: func() any { return new([bigSize]byte) }}

// framing is where the body of an answer ends.
type framing struct {
	minor   int  // of the version, 1.x
	done    bool // all of it was read
	chunked bool
	toEnd   bool  // it ends with the connection
	left    int64 // bytes still to come, of the body or of the current chunk
	begun   bool  // a chunk came before: what ends it is still to be read
}

// frame finds where the body ends.
func (c *Conn) frame() error {
	b := &c.body
	length, chunked := int64(-1), false
	for i := range c.Fields {
		switch f := &c.Fields[i]; f.Name {
		case "Content-Length":
			n, err := parseLength(f.Value)
			if err != nil {
				return err
			}
			if length >= 0 && n != length {
				return malformed("two lengths, %d and %d", length, n)
			}
			length = n
		case "Transfer-Encoding":
			if chunked || !strings.EqualFold(f.Value, "chunked") || b.minor == 0 {
				return malformed("a transfer coding that nobody asked for: %.40q", f.Value)
			}
			chunked = true
		case "Connection":
			if hasToken(f.Value, "close") {
				c.broken = true
			}
		}
	}
	if b.minor == 0 {
		c.broken = true // whether it stays open is nothing to rely on
	}
	if chunked && length >= 0 {
		return malformed("a length and chunks")
	}
	c.Length = length
	switch {
	case c.method == http.MethodHead, c.Status == http.StatusNoContent, c.Status == http.StatusNotModified:
		b.done = true
	case chunked:
		b.chunked = true
	case length < 0:
		b.toEnd, c.broken = true, true
	default:
		b.left, b.done = length, length == 0
	}
	return nil
}

func parseLength(value string) (int64, error) {
	if value == "" || len(value) > 18 {
		return 0, malformed("a length %.40q", value)
	}
	var n int64
	for i := range len(value) {
		if value[i] < '0' || value[i] > '9' {
			return 0, malformed("a length %.40q", value)
		}
		n = n*10 + int64(value[i]-'0')
	}
	return n, nil
}

// hasToken reports whether a comma-separated list has a word.
func hasToken(list, word string) bool {
	for part := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.Trim(part, " \t"), word) {
			return true
		}
	}
	return false
}

// Next returns the next piece of the body, which is valid until the next call,
// or io.EOF after the last. An answer that breaks off ends with another error.
func (c *Conn) Next() ([]byte, error) {
	if err := c.chunk(); err != nil {
		return nil, err
	}
	b := &c.body
	if b.done {
		return nil, io.EOF
	}
	p, err := c.piece()
	if len(p) > 0 {
		if !b.toEnd {
			b.left -= int64(len(p))
			b.done = b.left == 0 && !b.chunked
		}
		return p, nil
	}
	if errors.Is(err, io.EOF) && b.toEnd {
		b.done = true
		return nil, io.EOF
	}
	return nil, c.fail(err)
}

// piece returns what is there of the body, or waits for more.
func (c *Conn) piece() ([]byte, error) {
	limit := int64(bigSize)
	if !c.body.toEnd {
		limit = min(limit, c.body.left)
	}
	n := c.in.Buffered()
	if n == 0 {
		if limit >= bufferSize { // more than fits: read past the connection's buffer
			if c.big == nil {
				c.big = bigBuffers.Get().(*[bigSize]byte)
			}
			n, err := c.in.Read(c.big[:limit])
			return c.big[:n], err
		}
		if _, err := c.in.Peek(1); err != nil {
			return nil, err
		}
		n = c.in.Buffered()
	}
	p, err := c.in.Peek(int(min(limit, int64(n))))
	if err == nil {
		_, err = c.in.Discard(len(p))
	}
	return p, err
}

// Buffered reports whether Next has something to give without waiting.
func (c *Conn) Buffered() bool {
	b := &c.body
	n := c.in.Buffered()
	if b.done || !b.chunked || b.left > 0 {
		return b.done || n > 0
	}
	there, _ := c.in.Peek(n) // it is there
	if b.begun {
		there = there[min(2, n):] // what ends the chunk before
	}
	end := bytes.IndexByte(there, '\n')
	if end < 0 {
		return false
	}
	after := there[end+1:]
	if size, _ := chunkSize(there[:end+1]); size == 0 { // the trailer comes, or a fault that needs no waiting
		return bytes.HasPrefix(after, []byte("\r\n")) || bytes.Contains(after, []byte("\r\n\r\n"))
	}
	return len(after) > 0
}

// Ended reports whether the body was read to its end.
func (c *Conn) Ended() bool { return c.body.done }

// chunk makes left the bytes of the current chunk, reading the line before it,
// or the trailer, if it must.
func (c *Conn) chunk() error {
	b := &c.body
	if !b.chunked || b.done || b.left > 0 {
		return nil
	}
	if b.begun {
		line, err := c.in.ReadSlice('\n')
		if err != nil && len(line) < 2 {
			return c.fail(err)
		}
		if string(line) != "\r\n" {
			return c.fail(malformed("a chunk is longer than was said"))
		}
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
		return c.fail(err)
	}
	if b.left, err = chunkSize(line); err != nil {
		return c.fail(err)
	}
	b.begun = true
	if b.left > 0 {
		return nil
	}
	c.head, c.Fields = c.head[:0], c.Fields[:0]
	if err := c.readFields(0); err != nil {
		return c.fail(err)
	}
	if c.Fields, err = parseFields(c.Fields, string(c.head)); err != nil {
		return c.fail(err)
	}
	b.done, c.Trailers = true, true
	return nil
}

// chunkSize reads "1a;name=value\r\n".
func chunkSize(line []byte) (int64, error) {
	var n int64
	i := 0
	for ; i < len(line); i++ {
		digit := hexDigit[line[i]]
		if digit < 0 {
			break
		}
		n = n<<4 + int64(digit)
	}
	end := len(line) - 2
	ok := i > 0 && i <= 15 && len(line) <= chunkLine && end >= i && line[end] == '\r' && line[end+1] == '\n'
	if ok && end > i { // an extension: nobody needs it, but it must look like one
		extension := strings.TrimLeft(string(line[i:end]), " \t")
		ok = (extension == "" || extension[0] == ';') && printable(extension)
	}
	if !ok {
		return 0, malformed("a chunk begins with %.40q", line)
	}
	return n, nil
}

var hexDigit = func() (value [256]int8) {
	for i := range value {
		value[i] = -1
	}
	for i, c := range []byte("0123456789abcdef") {
		value[c] = int8(i)
	}
	for i, c := range []byte("ABCDEF") {
		value[c] = int8(10 + i)
	}
	return value
}()
