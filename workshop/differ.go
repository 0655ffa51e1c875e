package workshop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
)

// differ tells the first place, in JSONPath's notation, where two JSON values
// are not the same. Numbers are compared by value and may be off by tolerance, a
// part of the larger one.
func differ(want, got json.RawMessage, tolerance float64) error {
	w, err := decode(want)
	if err != nil {
		return fmt.Errorf("the result that is wanted is no JSON: %w", err)
	}
	g, err := decode(got)
	if err != nil {
		return fmt.Errorf("gave what is no JSON: %w", err)
	}
	return different("$", w, g, tolerance)
}

func decode(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // digits beyond those of a float64 count
	err = d.Decode(&v)
	return v, err
}

func different(path string, want, got any, tolerance float64) error {
	switch w := want.(type) {
	case []any:
		g, ok := got.([]any)
		if !ok {
			break
		}
		for i := range min(len(w), len(g)) {
			if err := different(path+"["+strconv.Itoa(i)+"]", w[i], g[i], tolerance); err != nil {
				return err
			}
		}
		if len(w) != len(g) {
			return fmt.Errorf("%s has %d elements, want %d", path, len(g), len(w))
		}
		return nil
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		for _, key := range slices.Sorted(maps.Keys(w)) {
			if _, there := g[key]; !there {
				return fmt.Errorf("%s has no %q", path, key)
			}
			if err := different(path+"."+key, w[key], g[key], tolerance); err != nil {
				return err
			}
		}
		for _, key := range slices.Sorted(maps.Keys(g)) {
			if _, there := w[key]; !there {
				return fmt.Errorf("%s has %q, which is not wanted", path, key)
			}
		}
		return nil
	case json.Number:
		if g, ok := got.(json.Number); ok && near(w, g, tolerance) {
			return nil
		}
	default:
		if want == got {
			return nil
		}
	}
	return fmt.Errorf("%s is %s, want %s", path, shown(got), shown(want))
}

// near compares exactly what is written out, and as floats what has an exponent
// or may be off.
func near(want, got json.Number, tolerance float64) bool {
	if tolerance == 0 && len(want)+len(got) < 1000 {
		w, okW := new(big.Rat).SetString(want.String())
		g, okG := new(big.Rat).SetString(got.String())
		return okW && okG && w.Cmp(g) == 0
	}
	w, errW := want.Float64()
	g, errG := got.Float64()
	return errW == nil && errG == nil && math.Abs(w-g) <= tolerance*max(math.Abs(w), math.Abs(g))
}

func shown(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return brief(text)
}

// brief cuts a long value.
func brief(text []byte) string {
	const most = 200
	if len(text) <= most {
		return string(text)
	}
	return string(bytes.ToValidUTF8(text[:most], nil)) + "…"
}
