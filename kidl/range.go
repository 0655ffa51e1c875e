package kidl

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// Range is @range: the bounds of a number, as written. A bound that is empty
// does not exist; a bound that is exclusive does not belong to the range.
type Range struct {
	Min          json.Number `json:"min,omitempty"`
	Max          json.Number `json:"max,omitempty"`
	MinExclusive bool        `json:"min_exclusive,omitempty"`
	MaxExclusive bool        `json:"max_exclusive,omitempty"`

	lo, hi *big.Rat // the bounds ready to compare with
}

// decimal is how a bound may be written.
var decimal = regexp.MustCompile(`^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,4}))?$`)

// maxExponent keeps bounds from growing beyond what can be computed with.
const maxExponent = 1000

// parseRange reads [1,10], (0,1], ]0,1[, 5, or ,10 : blanks do not matter.
func parseRange(words []string) (*Range, error) {
	text := strings.Join(words, "")
	if text == "" {
		return nil, errors.New("@range needs a range, as in @range [0,100] or @range (0,1)")
	}
	r := &Range{}
	switch text[0] {
	case '(', ']':
		r.MinExclusive = true
		fallthrough
	case '[':
		text = text[1:]
	}
	if n := len(text); n > 0 {
		switch text[n-1] {
		case ')', '[':
			r.MaxExclusive = true
			fallthrough
		case ']':
			text = text[:n-1]
		}
	}
	// Commas at the end do not count: 5, is a range without maximum.
	bounds := strings.Split(strings.TrimRight(text, ","), ",")
	if len(bounds) > 2 {
		return nil, fmt.Errorf("@range takes a minimum and a maximum with one comma between, found %d values in %s", len(bounds), text)
	}
	var err error
	if r.Min, err = bound(bounds[0]); err != nil {
		return nil, fmt.Errorf("@range has no number as its minimum: %w", err)
	}
	if len(bounds) == 2 {
		if r.Max, err = bound(bounds[1]); err != nil {
			return nil, fmt.Errorf("@range has no number as its maximum: %w", err)
		}
	}
	if r.Min != "" && r.Max != "" && rational(r.Min).Cmp(rational(r.Max)) > 0 {
		return nil, fmt.Errorf("@range has a minimum, %s, that is greater than its maximum, %s: swap them", r.Min, r.Max)
	}
	return r, nil
}

// bound is a number of a range in JSON's form.
func bound(text string) (json.Number, error) {
	if text == "" {
		return "", nil
	}
	m := decimal.FindStringSubmatch(text)
	if m == nil || m[2]+m[3] == "" {
		return "", fmt.Errorf("%q", text)
	}
	number := strings.TrimLeft(m[2], "0")
	if number == "" {
		number = "0"
	}
	if m[3] != "" {
		number += "." + m[3]
	}
	if m[4] != "" {
		exponent, err := strconv.Atoi(m[4])
		if err != nil || exponent > maxExponent || exponent < -maxExponent {
			return "", fmt.Errorf("the exponent of %q is beyond ±%d", text, maxExponent)
		}
		number += "e" + itoa(exponent)
	}
	return json.Number(strings.TrimPrefix(m[1], "+") + number), nil
}

// rational is the exact value of a bound.
func rational(n json.Number) *big.Rat {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return new(big.Rat) // unreachable for what bound gives
	}
	return r
}

// forInt is the range of the integers inside: bounds between two integers move inward.
func (r Range) forInt() Range {
	if r.Min != "" {
		if v := rational(r.Min); !v.IsInt() {
			r.Min, r.MinExclusive = json.Number(new(big.Int).Add(floor(v), big.NewInt(1)).String()), false
		} else {
			r.Min = json.Number(v.Num().String())
		}
	}
	if r.Max != "" {
		if v := rational(r.Max); !v.IsInt() {
			r.Max, r.MaxExclusive = json.Number(floor(v).String()), false
		} else {
			r.Max = json.Number(v.Num().String())
		}
	}
	return r
}

// floor is the greatest integer not above v.
func floor(v *big.Rat) *big.Int {
	q, _ := new(big.Int).DivMod(v.Num(), v.Denom(), new(big.Int)) // Euclid's remainder is never negative
	return q
}

// settle makes the range ready for [Range.holds].
func (r *Range) settle() {
	if r.Min != "" {
		r.lo = rational(r.Min)
	}
	if r.Max != "" {
		r.hi = rational(r.Max)
	}
}

// holds says whether v is inside.
func (r *Range) holds(v *big.Rat) bool {
	if r.lo != nil {
		if c := v.Cmp(r.lo); c < 0 || c == 0 && r.MinExclusive {
			return false
		}
	}
	if r.hi != nil {
		if c := v.Cmp(r.hi); c > 0 || c == 0 && r.MaxExclusive {
			return false
		}
	}
	return true
}

// String writes the range as an annotation does.
func (r *Range) String() string {
	open, shut := "[", "]"
	if r.MinExclusive {
		open = "("
	}
	if r.MaxExclusive {
		shut = ")"
	}
	return open + string(r.Min) + "," + string(r.Max) + shut
}
