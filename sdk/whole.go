package sdk

import (
	"bytes"
	"encoding/json"
	"math/big"
)

// again decodes a value whose integers are written as other programs do: 1.0, or
// R's 1e+05. It is asked only where decoding has failed.
func again(raw []byte, into any) bool {
	if !json.Valid(raw) {
		return false
	}
	plain, changed := wholeNumbers(raw)
	return changed && json.Unmarshal(plain, into) == nil
}

// wholeNumbers writes numbers without a fraction as integers, where those have
// at most 20 digits. The text must be JSON.
func wholeNumbers(text []byte) (_ []byte, changed bool) {
	out := make([]byte, 0, len(text))
	s := scanner{b: text}
	for s.i < len(text) {
		start := s.i
		switch c := text[s.i]; {
		case c == '"':
			s.str()
			out = append(out, text[start:s.i]...)
		case c == '-' || '0' <= c && c <= '9':
			_, end, _ := s.value()
			number := integer(text[start:end])
			changed = changed || !bytes.Equal(number, text[start:end])
			out = append(out, number...)
		default:
			s.i++
			out = append(out, c)
		}
	}
	return out, changed
}

// integer returns number without its fraction and exponent if it is whole, else
// as it is.
func integer(number []byte) []byte {
	const digits = 20 // of the largest integer there is a type for
	var fraction, exponent bool
	for i, c := range number {
		fraction = fraction || c == '.'
		if c == 'e' || c == 'E' {
			exponent = true
			if len(number)-i > 4 { // e+20 is far enough
				return number
			}
		}
	}
	if !fraction && !exponent || len(number) > 2*digits {
		return number
	}
	value, ok := new(big.Rat).SetString(string(number))
	if !ok || !value.IsInt() || len(value.Num().String()) > digits {
		return number
	}
	return []byte(value.Num().String())
}
