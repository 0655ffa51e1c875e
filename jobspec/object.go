package jobspec

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// object is a JSON object of which every field has to be accounted for: what
// nobody has read is a fault, unless it is empty.
type object struct {
	path   string
	fields map[string]any
	faults *[]string
}

func newObject(path string, text []byte, faults *[]string) (object, error) {
	o := object{path: path, faults: faults}
	if err := json.Unmarshal(text, &o.fields); err != nil {
		return object{}, fmt.Errorf("read the parsed job: %w", err)
	}
	return o, nil
}

func (o object) fault(format string, args ...any) {
	*o.faults = append(*o.faults, o.path+": "+fmt.Sprintf(format, args...))
}

// take returns a field and accounts for it.
func (o object) take(name string) any {
	v := o.fields[name]
	delete(o.fields, name)
	return v
}

// ignore accounts for fields that may have any value.
func (o object) ignore(names ...string) {
	for _, name := range names {
		delete(o.fields, name)
	}
}

// want accounts for a field that must have the value.
func (o object) want(name string, want any) {
	if got := o.take(name); !same(got, want) {
		o.fault("%s is %s, and should be %s", name, show(got), show(want))
	}
}

// standard accounts for a field that is empty or what Nomad fills in.
func (o object) standard(name string, value any) {
	if got := o.take(name); !empty(got) && !same(got, value) {
		o.fault("%s is %s, and should be %s", name, show(got), show(value))
	}
}

// object returns an object field; an absent one is empty.
func (o object) object(name string) object {
	inner := object{path: o.path + "." + name, faults: o.faults}
	switch v := o.take(name).(type) {
	case nil:
	case map[string]any:
		inner.fields = v
	default:
		o.fault("%s is %s, and should be an object", name, show(v))
	}
	return inner
}

// list returns the objects in a field and faults any other number of them.
func (o object) list(name string, want int) []object {
	items := o.items(name)
	if len(items) != want {
		o.fault("%d %s, and there should be %d", len(items), name, want)
		return nil
	}
	return items
}

func (o object) items(name string) []object {
	raw := o.take(name)
	values, ok := raw.([]any)
	if !ok && raw != nil {
		o.fault("%s is %s, and should be a list", name, show(raw))
	}
	var items []object
	for i, v := range values {
		fields, ok := v.(map[string]any)
		if !ok {
			o.fault("%s[%d] is %s, and should be an object", name, i, show(v))
			continue
		}
		items = append(items, object{path: fmt.Sprintf("%s.%s[%d]", o.path, name, i), fields: fields, faults: o.faults})
	}
	return items
}

// end faults every field that is left and not empty.
func (o object) end() {
	for _, name := range slices.Sorted(maps.Keys(o.fields)) {
		if v := o.fields[name]; !empty(v) {
			o.fault("%s is %s, which no job of ours has", name, show(v))
		}
	}
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case float64:
		return v == 0
	case bool:
		return !v
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, inner := range v {
			if !empty(inner) {
				return false
			}
		}
		return true
	}
	return false
}

// same compares a value that was read from JSON with one of ours.
func same(got, want any) bool {
	return show(got) == show(want)
}

// show writes a value as JSON, whose objects have their keys in order.
func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%v", v)
	}
	return string(text)
}
