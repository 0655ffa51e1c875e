package jobs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// members reads a JSON object member by member with a memory that does not grow
// with it. It finds where values end; what is inside of strings, numbers and
// lists it passes on without judging it.
type members struct {
	in  *bufio.Reader
	out *bufio.Writer
}

func newMembers(r io.Reader) *members {
	return &members{in: bufio.NewReaderSize(r, 64<<10), out: bufio.NewWriterSize(nil, 64<<10)}
}

// keyBytes is how long a key of the object may be.
const keyBytes = 1 << 10

// each writes the value of each member to where its key belongs.
func (m *members) each(to func(key string) io.Writer) error {
	c, err := m.next()
	if err != nil || c != '{' {
		return errNoReply
	}
	for {
		if c, err = m.next(); err != nil || c != '"' {
			return errNoReply
		}
		key, err := m.key()
		if err != nil {
			return err
		}
		if c, err = m.next(); err != nil || c != ':' {
			return errNoReply
		}
		m.out.Reset(to(key))
		if err := m.value(); err != nil {
			return err
		}
		if err := m.flush(); err != nil {
			return err
		}
		switch c, err = m.next(); {
		case err != nil:
			return errNoReply
		case c == '}':
			return nil
		case c != ',':
			return errNoReply
		}
	}
}

// key reads a key of which the first quote was read.
func (m *members) key() (string, error) {
	text := &bounded{Buffer: &bytes.Buffer{}, most: keyBytes}
	m.out.Reset(text)
	if err := errors.Join(m.text(), m.flush()); err != nil {
		return "", errNoReply
	}
	var key string
	if err := json.Unmarshal(text.Bytes(), &key); err != nil {
		return "", errNoReply
	}
	return key, nil
}

func (m *members) flush() error { return m.out.Flush() }

// next returns the next byte that is no white space.
func (m *members) next() (byte, error) {
	for {
		c, err := m.in.ReadByte()
		if err != nil {
			return 0, errNoReply
		}
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c, nil
		}
	}
}

// value copies one value.
func (m *members) value() error {
	c, err := m.next()
	if err != nil {
		return err
	}
	switch c {
	case '"':
		return m.text()
	case '{', '[':
		return m.nested(c)
	case '}', ']', ',', ':':
		return errNoReply
	}
	for { // a number or a word
		if err := m.out.WriteByte(c); err != nil {
			return err
		}
		if c, err = m.in.ReadByte(); err != nil {
			return errNoReply
		}
		switch c {
		case ',', '}', ' ', '\t', '\r', '\n':
			return m.in.UnreadByte()
		}
	}
}

// nested copies a list or an object that began with c.
func (m *members) nested(c byte) error {
	var open []byte // what has to close, the innermost last
	for {
		switch c {
		case '"':
			if err := m.text(); err != nil {
				return err
			}
		default:
			switch c {
			case '{':
				open = append(open, '}')
			case '[':
				open = append(open, ']')
			case '}', ']':
				if open[len(open)-1] != c {
					return errNoReply
				}
				open = open[:len(open)-1]
			}
			if err := m.out.WriteByte(c); err != nil {
				return err
			}
		}
		if len(open) == 0 {
			return nil
		}
		var err error
		if c, err = m.in.ReadByte(); err != nil {
			return errNoReply
		}
	}
}

// text copies a string of which the first quote was read, quotes included.
func (m *members) text() error {
	if err := m.out.WriteByte('"'); err != nil {
		return err
	}
	for escaped := false; ; {
		c, err := m.in.ReadByte()
		if err != nil {
			return errNoReply
		}
		if err := m.out.WriteByte(c); err != nil {
			return err
		}
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '"':
			return nil
		}
	}
}
