package catalog

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/dynsvc/dynsvc/service"
)

// places remembers where in a file each field of a version was written, and
// what was wrong there.
type places struct {
	file   string
	start  map[string]hcl.Pos // field path, as in service.Fault -> its place
	names  map[string]string  // path of a labelled block -> how to call it
	broken map[string]bool    // fields whose value could not be read
	faults []Fault
}

func newPlaces(file string) *places {
	return &places{file: file, start: map[string]hcl.Pos{}, names: map[string]string{}, broken: map[string]bool{}}
}

func (p *places) fault(at hcl.Pos, format string, args ...any) {
	p.faults = append(p.faults, Fault{File: p.file, Line: at.Line, Col: at.Column, Text: fmt.Sprintf(format, args...)})
}

// bad reports a value that could not be read; nothing more is said of it.
func (p *places) bad(field string, at hcl.Pos, format string, args ...any) {
	p.broken[field] = true
	p.fault(at, p.call(field)+" "+format, args...)
}

// of is where a field stands: its own place or that of the nearest thing around it.
func (p *places) of(field string) hcl.Pos {
	for {
		if at, ok := p.start[field]; ok {
			return at
		}
		cut := strings.LastIndexAny(field, ".[")
		if cut < 0 {
			return p.start[""]
		}
		field = field[:cut]
	}
}

// call names a field as the manifest does: cron of window "office hours".
func (p *places) call(field string) string {
	for path, name := range p.names {
		if field == path || field == path+".name" {
			return name
		}
		if inner, ok := strings.CutPrefix(field, path+"."); ok {
			return inner + " of " + name
		}
	}
	return field
}

// check adds the version's own faults, but none about what could not be read.
func (p *places) check(err error) {
	for _, f := range service.Faults(err) {
		if !p.broken[f.Field] {
			p.fault(p.of(f.Field), "%s %s", p.call(f.Field), f.Text)
		}
	}
}

// checkMaxima adds what the manifest asks for beyond the operator's maxima. What
// it gets by default is lowered to them and no fault of its own.
func (p *places) checkMaxima(v *service.Version, most service.Limits) {
	for _, f := range service.Faults(v.Exceeds(most)) {
		if at, given := p.start[f.Field]; given && !p.broken[f.Field] {
			p.fault(at, "%s %s", p.call(f.Field), f.Text)
		}
	}
}

// section reads one block body. Each method takes the value it is asked for, if
// the manifest has it, and reports what is wrong with it; finish reports the rest.
type section struct {
	*places
	body  *hclsyntax.Body
	path  string // of its field; "" for the module
	what  string // how to call it
	attrs []string
	kinds []string // of blocks
}

func (s *section) field(name string) string {
	if s.path == "" {
		return name
	}
	return s.path + "." + name
}

func (s *section) has(name string) bool { return s.body.Attributes[name] != nil }

// given reports whether the manifest has the attribute and it could be read.
func (s *section) given(name string) bool { return s.has(name) && !s.broken[s.field(name)] }

// literal takes an attribute as a plain value of the given shape.
func (s *section) literal(name, shape string, ok func(cty.Value) bool) (cty.Value, bool) {
	s.attrs = append(s.attrs, name)
	attr := s.body.Attributes[name]
	if attr == nil {
		return cty.NilVal, false
	}
	field := s.field(name)
	s.start[field] = attr.NameRange.Start
	value, why := plain(attr.Expr)
	if why == "" && !ok(value) {
		why = "must be " + shape + ", not " + describe(value)
	}
	if why != "" {
		s.bad(field, attr.NameRange.Start, "%s", why)
		return cty.NilVal, false
	}
	return value, true
}

func isString(v cty.Value) bool { return v.Type() == cty.String && !v.IsNull() }

func (s *section) text(name, example string, to *string) {
	if v, ok := s.literal(name, "a text in quotes, e.g. "+name+" = "+example, isString); ok {
		*to = v.AsString()
	}
}

func (s *section) number(name, example string, to *int) {
	v, ok := s.literal(name, "a whole number without quotes, e.g. "+name+" = "+example, func(v cty.Value) bool {
		return v.Type() == cty.Number && !v.IsNull()
	})
	if !ok {
		return
	}
	n, exact := v.AsBigFloat().Int64()
	if exact != big.Exact || n > 1<<40 || n < -1<<40 {
		s.bad(s.field(name), s.start[s.field(name)], "must be a whole number and no huge one, e.g. %s = %s", name, example)
		return
	}
	*to = int(n)
}

func (s *section) flag(name string, to *bool) {
	v, ok := s.literal(name, "true or false, without quotes", func(v cty.Value) bool { return v.Type() == cty.Bool && !v.IsNull() })
	if ok {
		*to = v.True()
	}
}

// truth is [section.flag] for one that can be left open: nil.
func (s *section) truth(name string) *bool {
	var is bool
	s.flag(name, &is)
	if !s.given(name) {
		return nil
	}
	return &is
}

func (s *section) duration(name, example string, to *service.Duration) {
	text := ""
	s.text(name, example, &text)
	if !s.given(name) {
		return
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		s.bad(s.field(name), s.start[s.field(name)], "must be a duration such as %s (h, m and s are hours, minutes and seconds), not %q", example, text)
		return
	}
	to.Duration = d
}

func (s *section) texts(name, example string, to *[]string) {
	v, ok := s.literal(name, "a list of texts, e.g. "+name+" = "+example, func(v cty.Value) bool {
		if !v.Type().IsTupleType() {
			return false
		}
		return !slices.ContainsFunc(v.AsValueSlice(), func(e cty.Value) bool { return !isString(e) })
	})
	if !ok {
		return
	}
	*to = nil
	for _, e := range v.AsValueSlice() {
		*to = append(*to, e.AsString())
	}
	if list, ok := s.body.Attributes[name].Expr.(*hclsyntax.TupleConsExpr); ok {
		for i, e := range list.Exprs {
			s.start[fmt.Sprintf("%s[%d]", s.field(name), i)] = e.Range().Start
		}
	}
}

func (s *section) table(name, example string, to *map[string]string) {
	v, ok := s.literal(name, "a table of texts, e.g. "+name+" = "+example, func(v cty.Value) bool {
		if !v.Type().IsObjectType() {
			return false
		}
		for _, e := range v.AsValueMap() {
			if !isString(e) {
				return false
			}
		}
		return true
	})
	if !ok {
		return
	}
	*to = map[string]string{}
	for key, e := range v.AsValueMap() {
		(*to)[key] = e.AsString()
	}
	if object, ok := s.body.Attributes[name].Expr.(*hclsyntax.ObjectConsExpr); ok {
		for _, item := range object.Items {
			if key, why := plainKey(item.KeyExpr); why == "" {
				s.start[s.field(name)+"."+key] = item.KeyExpr.Range().Start
			}
		}
	}
}

// block takes the one block of a kind without labels; nil: there is none.
func (s *section) block(kind string) *section {
	s.kinds = append(s.kinds, kind)
	var first *section
	for _, b := range s.body.Blocks {
		switch {
		case b.Type != kind:
		case len(b.Labels) > 0:
			s.fault(b.LabelRanges[0].Start, "%s takes no name: write %s { … }", kind, kind)
		case first != nil:
			s.fault(b.TypeRange.Start, "a second %s block, the first is in line %d: join them", kind, s.start[first.path].Line)
		default:
			first = &section{places: s.places, body: b.Body, path: s.field(kind), what: kind}
			s.start[first.path] = b.TypeRange.Start
		}
	}
	return first
}

// blocks takes all blocks of a kind, each with one label.
func (s *section) blocks(kind, plural, example string) (labels []string, found []*section) {
	s.kinds = append(s.kinds, kind)
	for _, b := range s.body.Blocks {
		if b.Type != kind {
			continue
		}
		if len(b.Labels) != 1 {
			s.fault(b.TypeRange.Start, "%s needs one name: write %s %q { … }", kind, kind, example)
			continue
		}
		inner := &section{
			places: s.places, body: b.Body,
			path: fmt.Sprintf("%s[%d]", s.field(plural), len(found)),
			what: fmt.Sprintf("%s %q", kind, b.Labels[0]),
		}
		s.start[inner.path] = b.TypeRange.Start
		s.names[inner.path] = inner.what
		labels, found = append(labels, b.Labels[0]), append(found, inner)
	}
	return labels, found
}

// need reports a missing attribute.
func (s *section) need(name, example string) {
	if s.has(name) {
		return
	}
	s.broken[s.field(name)] = true
	s.fault(s.start[s.path], "%s needs %s, e.g. %s = %s", s.what, name, name, example)
}

// finish reports what nobody asked for.
func (s *section) finish() {
	for name, attr := range s.body.Attributes {
		switch {
		case slices.Contains(s.attrs, name):
		case slices.Contains(s.kinds, name):
			s.broken[s.field(name)] = true
			s.fault(attr.NameRange.Start, "%s is a block: write %s { … }, without =", name, name)
		default:
			s.fault(attr.NameRange.Start, "unknown attribute %q in %s: %s", name, s.what, hint(name, s.known()))
		}
	}
	for _, b := range s.body.Blocks {
		switch {
		case slices.Contains(s.kinds, b.Type):
		case slices.Contains(s.attrs, b.Type):
			s.broken[s.field(b.Type)] = true
			s.fault(b.TypeRange.Start, "%s is an attribute: write %s = …", b.Type, b.Type)
		default:
			s.fault(b.TypeRange.Start, "unknown block %q in %s: %s", b.Type, s.what, hint(b.Type, s.known()))
		}
	}
}

func (s *section) known() []string { return append(slices.Clone(s.attrs), s.kinds...) }
