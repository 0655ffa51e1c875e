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

	lo, hi       *big.Rat // what counts, ready to compare with
	above, below bool     // exclusive
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

// of is the range for a kind of number. One of ints that holds no integer is a
// slip that real interfaces contain, (0, 1) for a boolean: its bounds count as
// inclusive.
func (r Range) of(k Kind) Range {
	if k != Int {
		return r
	}
	r = r.inward()
	if r.empty() {
		r.MinExclusive, r.MaxExclusive = false, false
	}
	return r
}

// inward moves bounds between two integers to the one inside.
func (r Range) inward() Range {
	if r.Min != "" {
		v := rational(r.Min)
		if !v.IsInt() {
			r.MinExclusive = false
		}
		r.Min = json.Number(new(big.Int).Neg(floor(new(big.Rat).Neg(v))).String())
	}
	if r.Max != "" {
		v := rational(r.Max)
		if !v.IsInt() {
			r.MaxExclusive = false
		}
		r.Max = json.Number(floor(v).String())
	}
	return r
}

// empty says whether a range with integers as its bounds holds none.
func (r Range) empty() bool {
	if r.Min == "" || r.Max == "" {
		return false
	}
	room := new(big.Rat).Sub(rational(r.Max), rational(r.Min))
	least := int64(0)
	if r.MinExclusive {
		least++
	}
	if r.MaxExclusive {
		least++
	}
	return room.Cmp(new(big.Rat).SetInt64(least)) < 0
}

// floor is the greatest integer not above v.
func floor(v *big.Rat) *big.Int {
	q, _ := new(big.Int).DivMod(v.Num(), v.Denom(), new(big.Int)) // Euclid's remainder is never negative
	return q
}

// settle makes the range ready for [Range.holds], for numbers of a kind.
func (r *Range) settle(k Kind) {
	of := r.of(k)
	if of.Min != "" {
		r.lo, r.above = rational(of.Min), of.MinExclusive
	}
	if of.Max != "" {
		r.hi, r.below = rational(of.Max), of.MaxExclusive
	}
}

// holds says whether v is inside.
func (r *Range) holds(v *big.Rat) bool {
	if r.lo != nil {
		if c := v.Cmp(r.lo); c < 0 || c == 0 && r.above {
			return false
		}
	}
	if r.hi != nil {
		if c := v.Cmp(r.hi); c > 0 || c == 0 && r.below {
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
