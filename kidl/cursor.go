package kidl

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// cursor moves over a text that json.Valid has approved, so every value has an end.
type cursor struct{ text []byte }

// space is the offset of the next letter that is no white space.
func (c cursor) space(i int) int {
	for i < len(c.text) && (c.text[i] == ' ' || c.text[i] == '\n' || c.text[i] == '\t' || c.text[i] == '\r') {
		i++
	}
	return i
}

// more goes from the end of a member to the next one or to the closing bracket.
func (c cursor) more(i int) int {
	if i = c.space(i); i < len(c.text) && c.text[i] == ',' {
		i = c.space(i + 1)
	}
	return i
}

// colon goes from the end of a key to its value.
func (c cursor) colon(i int) int { return c.space(c.space(i) + 1) }

// skip is the offset after the value at i.
func (c cursor) skip(i int) int {
	switch c.text[i] {
	case '"':
		return c.skipString(i)
	case '{', '[':
		depth := 0
		for {
			switch c.text[i] {
			case '"':
				i = c.skipString(i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
	}
	for ; i < len(c.text); i++ {
		switch c.text[i] {
		case ' ', '\n', '\t', '\r', ',', ']', '}':
			return i
		}
	}
	return i
}

func (c cursor) skipString(i int) int {
	for i++; c.text[i] != '"'; i++ {
		if c.text[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// length counts the elements of the array at i.
func (c cursor) length(i int) int {
	n := 0
	for i = c.space(i + 1); c.text[i] != ']'; i = c.more(i) {
		i = c.skip(i)
		n++
	}
	return n
}

// describe is the value at i in a message.
func (c cursor) describe(i int) string {
	switch c.text[i] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		text := unquoted(c.text[i:c.skip(i)])
		if utf8.RuneCountInString(text) > 30 {
			text = string([]rune(text)[:30]) + "…"
		}
		return "the string " + strconv.Quote(text)
	}
	return string(c.text[i:c.skip(i)])
}

func unquoted(key []byte) string {
	var s string
	if json.Unmarshal(key, &s) != nil {
		return string(key) // cannot be: the text is JSON
	}
	return s
}

func quoted(name string) []byte { return strconv.AppendQuote(nil, name) }

// pathText writes the path in JSONPath's notation.
func (w *fitter) pathText() string {
	var b strings.Builder
	b.WriteByte('$')
	for _, s := range w.path {
		if s.key == nil {
			fmt.Fprintf(&b, "[%d]", s.index)
			continue
		}
		name := unquoted(s.key)
		if plainName(name) {
			b.WriteString("." + name)
		} else {
			fmt.Fprintf(&b, "[%q]", name)
		}
	}
	return b.String()
}

// plainName says whether a key needs no quotes in a path.
func plainName(name string) bool {
	for i, r := range name {
		if r >= utf8.RuneSelf || !isLetter(byte(r)) && r != '_' && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// integral says whether a JSON number is an integer, however it is written.
func integral(text string) bool {
	mantissa, exp, scientific := strings.Cut(strings.ToLower(text), "e")
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
	if !scientific && fraction == "" {
		return true
	}
	fraction = strings.TrimRight(fraction, "0")
	digits := strings.TrimRight(whole+fraction, "0")
	if digits == "" {
		return true // zero
	}
	shift := 0
	if scientific {
		var err error
		if shift, err = strconv.Atoi(strings.TrimPrefix(exp, "+")); err != nil {
			return !strings.HasPrefix(exp, "-") // out of bounds, far away in either direction
		}
	}
	// The last digit that counts must not stand behind the point.
	return len(whole)+shift >= len(digits)
}

// contains says whether a JSON number is in the range.
func (r *Range) contains(text string) bool {
	if !strings.ContainsAny(text, "eE") && len(text) < 400 {
		if v, ok := new(big.Rat).SetString(text); ok {
			return r.holds(v)
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(f, 0) {
		return false
	}
	if math.IsInf(f, 1) {
		return r.hi == nil
	}
	if math.IsInf(f, -1) {
		return r.lo == nil
	}
	return r.holds(new(big.Rat).SetFloat64(f))
}
