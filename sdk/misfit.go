package sdk

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// misfitError is a value that is not of its type.
type misfitError struct {
	path string // from where the search began
	text string
}

func (e *misfitError) Error() string {
	if e.path == "" {
		return e.text
	}
	return e.path + " " + e.text
}

// locate finds the part of a value that does not fit, where the whole cannot be
// decoded into a t. It decodes parts again until it has found the one, which is
// slow and only done for a request that is refused.
func locate(raw []byte, t reflect.Type) *misfitError {
	raw = bytes.TrimSpace(raw)
	if custom(t) {
		return spoken(raw, t)
	}
	var found *misfitError
	inside := func(step string, part []byte, t reflect.Type) {
		if found == nil && json.Unmarshal(part, reflect.New(t).Interface()) != nil {
			found = locate(part, t)
			found.path = step + found.path
		}
	}
	switch {
	case t.Kind() == reflect.Pointer:
		return locate(raw, t.Elem())
	case (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && raw[0] == '[':
		_, n, _ := elements(raw, nil)
		all, _, _ := elements(raw, make([]json.RawMessage, 0, n))
		for i, part := range all {
			inside("["+strconv.Itoa(i)+"]", part, t.Elem())
		}
	case t.Kind() == reflect.Map && raw[0] == '{':
		members(raw, func(key string, part []byte) { inside(step(key), part, t.Elem()) })
	case t.Kind() == reflect.Struct && raw[0] == '{':
		members(raw, func(key string, part []byte) {
			if field := field(t, key); field != nil {
				inside(step(key), part, field)
			}
		})
	}
	if found != nil {
		return found
	}
	return &misfitError{text: fmt.Sprintf("must be %s, not %s", wanted(raw, t), excerpt(raw))}
}

// nullable reports whether null is a value of what into points to. Within a
// value, null leaves what it stands for as it is.
func nullable(into any) bool {
	t := reflect.TypeOf(into).Elem()
	return t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface || custom(t)
}

// custom reports whether a type decodes itself.
func custom(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// spoken is what a type that decodes itself says.
func spoken(raw []byte, t reflect.Type) *misfitError {
	err := json.Unmarshal(raw, reflect.New(t).Interface())
	var inner *misfitError
	var plain *json.UnmarshalTypeError
	switch {
	case errors.As(err, &inner):
		return &misfitError{path: inner.path, text: inner.text}
	case errors.As(err, &plain) || err == nil:
		return &misfitError{text: "is no " + t.Name()}
	}
	return &misfitError{text: "does not fit: " + err.Error()}
}

// field returns the type of the field that a key is decoded into, or nil.
func field(t reflect.Type, key string) reflect.Type {
	var like reflect.Type
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		switch {
		case !f.IsExported() || f.Tag.Get("json") == "-":
		case name == key:
			return f.Type
		case strings.EqualFold(name, key) && like == nil:
			like = f.Type
		}
	}
	return like
}

// step is a key as a part of a path.
func step(key string) string {
	plain := key != ""
	for i, r := range key {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		plain = plain && (letter || i > 0 && '0' <= r && r <= '9')
	}
	if plain {
		return "." + key
	}
	return "[" + strconv.Quote(key) + "]"
}

// wanted names a type to people who do not know Go.
func wanted(raw []byte, t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9' {
			if t.Kind() >= reflect.Uint {
				return fmt.Sprintf("an integer, 0 or more, of %d bits", t.Bits())
			}
			return fmt.Sprintf("an integer of %d bits", t.Bits())
		}
		return "an integer"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "a list"
	}
	return "an object"
}

// excerpt is the beginning of a text.
func excerpt(text []byte) string {
	const limit = 60
	if len(text) <= limit {
		return string(text)
	}
	end := limit
	for !utf8.RuneStart(text[end]) && end > 0 {
		end--
	}
	return string(text[:end]) + "…"
}

// DecodeTuple decodes a list into as many values as into points to. It is what
// the UnmarshalJSON of a tuple consists of.
func DecodeTuple(data []byte, into ...any) error {
	if string(bytes.TrimSpace(data)) == "null" {
		return nil
	}
	all, n, ok := elements(data, make([]json.RawMessage, 0, len(into)))
	if !ok || n != len(into) {
		return &misfitError{text: fmt.Sprintf("must be a list of %d, not %s", len(into), excerpt(data))}
	}
	for i, raw := range all {
		if json.Unmarshal(raw, into[i]) != nil {
			found := locate(raw, reflect.TypeOf(into[i]).Elem())
			found.path = "[" + strconv.Itoa(i) + "]" + found.path
			return found
		}
	}
	return nil
}

// EncodeTuple encodes values as a list. It is what the MarshalJSON of a tuple
// consists of.
func EncodeTuple(values ...any) ([]byte, error) { return json.Marshal(values) }
