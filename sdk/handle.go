package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// None is the parameter of a function that takes none, and the result of one
// that has none.
type None struct{}

// Results are the results of a function that has several.
type Results []any

// Args are the parameters of a function that decodes them itself.
type Args struct {
	method *method
	raw    []json.RawMessage
}

// MethodOption says more of a method.
type MethodOption func(*method)

// Params names a method's parameters, so that JSON-RPC 2.0 lets a caller send an
// object with these names instead of a list. Without Params, such an object is
// itself the parameter of a method that has one, and refused by others. A last
// parameter may be left out if its name ends in "?": it is then the zero value,
// or with [Args] what was there before.
func Params(names ...string) MethodOption {
	return func(m *method) {
		m.params = make([]string, len(names))
		m.fewest = 0
		for i, name := range names {
			var optional bool
			if m.params[i], optional = strings.CutSuffix(name, "?"); !optional {
				m.fewest = i + 1
			}
		}
		if m.arity == anyArity {
			m.arity = len(names)
		}
	}
}

// Handle registers a function as a method. P may be [None] or [Args], and R may
// be [None] or [Results]. It panics where the method is there already.
func Handle[P, R any](m *Module, name string, f func(context.Context, P) (R, error), opts ...MethodOption) {
	meth := &method{name: name, arity: 1}
	write := writer[R]()
	switch any(*new(P)).(type) {
	case None:
		meth.arity = 0
		meth.run = func(ctx context.Context, c *call) error {
			c.release()
			r, err := f(ctx, *new(P))
			return write(c, &r, err)
		}
	case Args:
		meth.arity, meth.open = anyArity, true
		meth.run = func(ctx context.Context, c *call) error {
			c.keep()
			p, _ := any(c.args).(P)
			r, err := f(ctx, p)
			return write(c, &r, err)
		}
	default:
		meth.run = func(ctx context.Context, c *call) error {
			var p P
			if err := c.args.Decode(&p); err != nil {
				return err
			}
			c.release()
			r, err := f(ctx, p)
			return write(c, &r, err)
		}
	}
	m.add(meth, opts)
}

// Handle2 is [Handle] for a function of two parameters.
func Handle2[A, B, R any](m *Module, name string, f func(context.Context, A, B) (R, error), opts ...MethodOption) {
	write := writer[R]()
	m.add(&method{name: name, arity: 2, run: func(ctx context.Context, c *call) error {
		var a A
		var b B
		if err := c.args.Decode(&a, &b); err != nil {
			return err
		}
		c.release()
		r, err := f(ctx, a, b)
		return write(c, &r, err)
	}}, opts)
}

// Handle3 is [Handle] for a function of three parameters.
func Handle3[A, B, C, R any](m *Module, name string, f func(context.Context, A, B, C) (R, error), opts ...MethodOption) {
	write := writer[R]()
	m.add(&method{name: name, arity: 3, run: func(ctx context.Context, c *call) error {
		var a A
		var b B
		var d C
		if err := c.args.Decode(&a, &b, &d); err != nil {
			return err
		}
		c.release()
		r, err := f(ctx, a, b, d)
		return write(c, &r, err)
	}}, opts)
}

// Len returns how many parameters there are.
func (a Args) Len() int { return len(a.raw) }

// Decode stores the parameters where into points. There have to be as many, each
// of its type: return the error as it is.
func (a Args) Decode(into ...any) error {
	if len(a.raw) != len(into) {
		return a.method.wrongNumber(len(into), len(a.raw))
	}
	for i, raw := range a.raw {
		if raw == nil { // it was left out
			continue
		}
		if err := json.Unmarshal(raw, into[i]); err != nil && !again(raw, into[i]) || string(raw) == "null" && !nullable(into[i]) {
			return a.misfit(i, into[i])
		}
	}
	return nil
}

// misfit is the error for a parameter that does not fit, unless one of those not
// decoded yet is no JSON at all.
func (a Args) misfit(i int, into any) *Error {
	for _, raw := range a.raw[i:] {
		if raw != nil && !json.Valid(raw) {
			return errNotJSON
		}
	}
	found := locate(a.raw[i], reflect.TypeOf(into).Elem())
	return errorf(CodeParams, "%s%s of %s %s", a.method.param(i), found.path, a.method.name, found.text)
}

// writer returns what writes a function's results, as a list.
func writer[R any]() func(*call, *R, error) error {
	switch any(*new(R)).(type) {
	case None:
		return func(c *call, _ *R, err error) error {
			c.out.WriteString("null")
			return err
		}
	case Results:
		return func(c *call, r *R, err error) error {
			if err != nil {
				return err
			}
			all, _ := any(*r).(Results)
			if all == nil {
				all = Results{}
			}
			return encode(c.out, all)
		}
	}
	return func(c *call, r *R, err error) error {
		if err != nil {
			return err
		}
		c.out.WriteByte('[')
		err = encode(c.out, r)
		c.out.WriteByte(']')
		return err
	}
}

// encode appends a value as JSON.
func encode(out *bytes.Buffer, value any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return fmt.Errorf("encode the result: %w", err)
	}
	out.Truncate(out.Len() - 1) // the line end
	return nil
}

// param is where a parameter stands in the request.
func (m *method) param(i int) string {
	if i < len(m.params) {
		return m.params[i]
	}
	return fmt.Sprintf("params[%d]", i)
}

func (m *method) wrongNumber(want, have int) *Error {
	return errorf(CodeParams, "params is a list of %d: %s takes %s", have, m.name, m.signature(want))
}

// signature is what a method of n parameters takes, in words.
func (m *method) signature(n int) string {
	if n == 0 {
		return "no parameters"
	}
	text := fmt.Sprintf("%d parameters", n)
	if n == 1 {
		text = "1 parameter"
	}
	for i, name := range m.params {
		if i >= m.fewest {
			name += " (optional)"
		}
		if i == 0 {
			text += ": " + name
		} else {
			text += ", " + name
		}
	}
	return text
}
