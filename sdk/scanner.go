package sdk

import (
	"bytes"
	"encoding/json"
)

// elements appends the first elements of a list to into, as many as it has
// room for, and counts all.
func elements(list []byte, into []json.RawMessage) (_ []json.RawMessage, n int, ok bool) {
	s := scanner{b: list}
	if !s.take('[') {
		return into, 0, false
	}
	for end := s.take(']'); !end; {
		from, to, ok := s.value()
		if !ok {
			return into, n, false
		}
		if n++; len(into) < cap(into) {
			into = append(into, list[from:to])
		}
		if end = s.take(']'); !end && !s.take(',') {
			return into, n, false
		}
	}
	s.space()
	return into, n, s.i == len(list)
}

// members calls f for each member of an object, which must be JSON.
func members(object []byte, f func(key string, value []byte)) {
	s := scanner{b: object}
	if !s.take('{') || s.take('}') {
		return
	}
	for {
		key, value, ok := s.member()
		if !ok {
			return
		}
		f(string(key), value)
		if !s.take(',') {
			return
		}
	}
}

// scanner finds the ends of values. It checks no more than it takes for that.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

// take skips white space, and then c if it is next.
func (s *scanner) take(c byte) bool {
	s.space()
	if s.i == len(s.b) || s.b[s.i] != c {
		return false
	}
	s.i++
	return true
}

// member reads a key and its value. The key is JSON, of the value only the
// extent is known.
func (s *scanner) member() (key, value []byte, ok bool) {
	s.space()
	start := s.i
	if !s.str() || !json.Valid(s.b[start:s.i]) {
		return nil, nil, false
	}
	key = text(s.b[start:s.i])
	if !s.take(':') {
		return nil, nil, false
	}
	start, end, ok := s.value()
	return key, s.b[start:end], ok
}

// value skips one value, which is not empty.
func (s *scanner) value() (start, end int, ok bool) {
	s.space()
	if start = s.i; start == len(s.b) {
		return 0, 0, false
	}
	switch s.b[start] {
	case '"':
		ok = s.str()
		return start, s.i, ok
	case '{', '[':
		ok = s.nested()
		return start, s.i, ok
	}
	for ; s.i < len(s.b); s.i++ {
		switch s.b[s.i] {
		case ',', ']', '}', ' ', '\t', '\r', '\n':
			return start, s.i, s.i > start
		}
	}
	return start, s.i, true
}

// nested skips an object or a list.
func (s *scanner) nested() bool {
	for depth := 0; s.i < len(s.b); {
		switch s.b[s.i] {
		case '"':
			if !s.str() {
				return false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.i++
		if depth == 0 {
			return true
		}
	}
	return false
}

// str skips a string. It can be megabytes long, so its end is looked for by the
// quote and not byte by byte.
func (s *scanner) str() bool {
	if s.i == len(s.b) || s.b[s.i] != '"' {
		return false
	}
	s.i++
	for {
		quote := bytes.IndexByte(s.b[s.i:], '"')
		if quote < 0 {
			return false
		}
		escapes := 0
		for at := s.i + quote - 1; at >= s.i && s.b[at] == '\\'; at-- {
			escapes++
		}
		s.i += quote + 1
		if escapes%2 == 0 {
			return true
		}
	}
}

// text returns what a JSON string says.
func text(value []byte) []byte {
	if len(value) >= 2 && value[0] == '"' && bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1]
	}
	var out string
	if json.Unmarshal(value, &out) != nil {
		return []byte{} // no string, or no JSON, which is found out later
	}
	return []byte(out)
}
