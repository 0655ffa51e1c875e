package jobspec

import (
	"fmt"
	"io"
	"regexp"
	"strconv"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// The literals are all that a template can print. They keep nothing but the
// text that HCL reads back as the value, so no verb, function or pipeline in a
// template can get at the bare value.

// literal prints itself the same way whatever verb it is printed with.
type literal struct{ hcl string }

// Format implements [fmt.Formatter].
func (l literal) Format(w fmt.State, _ rune) { io.WriteString(w, l.hcl) } //nolint:errcheck // fmt keeps no error of a State

func (l literal) String() string { return l.hcl }

// Text is a quoted string.
type Text struct{ literal }

func newText(s string) Text {
	return Text{literal{string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes())}}
}

// optionalText is nil for the empty string, so that a template can leave a line out.
func optionalText(s string) *Text {
	if s == "" {
		return nil
	}
	return new(newText(s))
}

// Number is a whole number.
type Number struct{ literal }

func newNumber(n int) Number { return Number{literal{strconv.Itoa(n)}} }

// List is a list of strings.
type List struct{ literal }

func newList(items []string) List {
	values := make([]cty.Value, len(items))
	for i, s := range items {
		values[i] = cty.StringVal(s)
	}
	return List{literal{string(hclwrite.TokensForValue(cty.TupleVal(values)).Bytes())}}
}

var wordForm = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// Word is letters, digits and underscores only, and prints itself bare. It is
// for the places where a name is part of a larger text: a variable's name, a
// path, Nomad's own {{ }} templates.
type Word struct{ literal }

func newWord(s string) (Word, error) {
	if !wordForm.MatchString(s) {
		return Word{}, fmt.Errorf("%q has other characters than letters, digits and _", s)
	}
	return Word{literal{s}}, nil
}
