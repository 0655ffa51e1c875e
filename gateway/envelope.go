package gateway

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// envelope is what the gateway reads of a JSON-RPC request.
type envelope struct {
	v2     bool            // JSON-RPC 2.0; else 1.1
	method string          // as sent, e.g. "Module.function"; empty: not a typed call
	id     json.RawMessage // nil: none seen
	params []byte          // a part of the body that was scanned; nil: none seen
}

// function is the method's name without the module's.
func (e *envelope) function() string {
	if _, name, ok := strings.Cut(e.method, "."); ok {
		return name
	}
	return e.method
}

// idLimit bounds an id that is echoed.
const idLimit = 1 << 10

// verdict is how far a scan came.
type verdict int

const (
	whole verdict = iota // the object was read to its end
	more                 // the bytes end within the object
	raw                  // this is no JSON-RPC request
)

// scan reads the envelope at the beginning of a body. It skips values without
// building them and checks no more of their syntax than it takes to find their
// end: the service will. With the verdict more, the envelope holds what has
// been seen. A body that names one of the envelope's keys twice is raw, because
// the service could read it differently.
func scan(body []byte) (envelope, verdict) {
	s := scanner{b: body}
	env, v := s.envelope()
	if v == raw {
		return envelope{}, raw
	}
	return env, v
}

type scanner struct {
	b []byte
	i int
}

func (s *scanner) envelope() (envelope, verdict) {
	var env envelope
	var seen struct{ method, params, id, version, jsonrpc bool }
	if v := s.expect('{'); v != whole {
		return env, v
	}
	if s.space(); s.i < len(s.b) && s.b[s.i] == '}' {
		return env, raw
	}
	for {
		key, value, v := s.member()
		if v != whole {
			return env, v
		}
		twice := false
		switch key {
		case "method":
			twice, seen.method = seen.method, true
			if env.method = text(value); env.method == "" {
				return env, raw
			}
		case "params":
			twice, seen.params = seen.params, true
			env.params = value
		case "id":
			twice, seen.id = seen.id, true
			env.id = scalar(value)
		case "version":
			twice, seen.version = seen.version, true
			if value[0] != '"' {
				return env, raw
			}
		case "jsonrpc":
			twice, seen.jsonrpc = seen.jsonrpc, true
			if env.v2 = text(value) == "2.0"; !env.v2 {
				return env, raw
			}
		}
		if twice {
			return env, raw
		}
		s.space()
		if s.i == len(s.b) {
			return env, more
		}
		s.i++
		switch s.b[s.i-1] {
		case ',':
		case '}':
			if !seen.method {
				return env, raw
			}
			return env, whole
		default:
			return env, raw
		}
	}
}

// member reads one key and its value.
func (s *scanner) member() (string, []byte, verdict) {
	s.space()
	start := s.i
	if v := s.str(); v != whole {
		return "", nil, v
	}
	key := s.b[start:s.i]
	if v := s.expect(':'); v != whole {
		return "", nil, v
	}
	s.space()
	start = s.i
	if v := s.value(); v != whole {
		return "", nil, v
	}
	return text(key), s.b[start:s.i], whole
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

// expect reads one byte after white space.
func (s *scanner) expect(c byte) verdict {
	s.space()
	if s.i == len(s.b) {
		return more
	}
	if s.b[s.i] != c {
		return raw
	}
	s.i++
	return whole
}

// value skips any value.
func (s *scanner) value() verdict {
	if s.i == len(s.b) {
		return more
	}
	switch s.b[s.i] {
	case '"':
		return s.str()
	case '{', '[':
		return s.nested()
	}
	start := s.i
	for ; s.i < len(s.b); s.i++ {
		switch s.b[s.i] {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			if s.i == start {
				return raw
			}
			return whole
		case '"', '{', '[', ':':
			return raw
		}
	}
	return more
}

// nested skips an object or array.
func (s *scanner) nested() verdict {
	for depth := 0; s.i < len(s.b); {
		switch s.b[s.i] {
		case '"':
			if v := s.str(); v != whole {
				return v
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.i++
		if depth == 0 {
			return whole
		}
	}
	return more
}

// str skips a string. Params can be megabytes of one string, so the end is
// looked for by its quote and not byte by byte.
func (s *scanner) str() verdict {
	if v := s.expect('"'); v != whole {
		return v
	}
	for {
		quote := bytes.IndexByte(s.b[s.i:], '"')
		if quote < 0 {
			s.i = len(s.b)
			return more
		}
		escapes := 0
		for at := s.i + quote - 1; at >= s.i && s.b[at] == '\\'; at-- {
			escapes++
		}
		s.i += quote + 1
		if escapes%2 == 0 {
			return whole
		}
	}
}

// text returns what a JSON string says, or "" where value is none.
func text(value []byte) string {
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var out string
	if json.Unmarshal(value, &out) != nil {
		return ""
	}
	return out
}

// scalar returns a copy of an id that can be echoed, or nil.
func scalar(value []byte) json.RawMessage {
	if len(value) > idLimit || value[0] == '{' || value[0] == '[' || !json.Valid(value) {
		return nil
	}
	return bytes.Clone(value)
}
