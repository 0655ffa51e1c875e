package catalog

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// maxDepth bounds how deep brackets may nest; HCL's parser recurses on them.
const maxDepth = 32

const plainOnly = "must be a plain value: there are no variables, functions or expressions in a manifest"

// plain is the value of an expression that is one: a text, number, truth value,
// list or table. Nothing is evaluated, so nothing can take long. Otherwise why
// says what to write.
func plain(e hclsyntax.Expression) (value cty.Value, why string) {
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return e.Val, ""
	case *hclsyntax.TemplateExpr:
		var text strings.Builder
		for _, part := range e.Parts {
			literal, ok := part.(*hclsyntax.LiteralValueExpr)
			if !ok || !isString(literal.Val) {
				return cty.NilVal, "must not contain ${ or %{: values are taken literally and nothing is filled in"
			}
			text.WriteString(literal.Val.AsString())
		}
		return cty.StringVal(text.String()), ""
	case *hclsyntax.TemplateWrapExpr:
		return cty.NilVal, "must not contain ${ or %{: values are taken literally and nothing is filled in"
	case *hclsyntax.ParenthesesExpr:
		return plain(e.Expression)
	case *hclsyntax.UnaryOpExpr:
		if number, ok := e.Val.(*hclsyntax.LiteralValueExpr); ok && e.Op == hclsyntax.OpNegate && number.Val.Type() == cty.Number {
			return number.Val.Negate(), ""
		}
	case *hclsyntax.TupleConsExpr:
		values := make([]cty.Value, len(e.Exprs))
		for i, inner := range e.Exprs {
			if values[i], why = plain(inner); why != "" {
				return cty.NilVal, why
			}
		}
		return cty.TupleVal(values), ""
	case *hclsyntax.ObjectConsExpr:
		values := map[string]cty.Value{}
		for _, item := range e.Items {
			key, why := plainKey(item.KeyExpr)
			if why != "" {
				return cty.NilVal, why
			}
			if _, twice := values[key]; twice {
				return cty.NilVal, fmt.Sprintf("has %q twice: remove one", key)
			}
			if values[key], why = plain(item.ValueExpr); why != "" {
				return cty.NilVal, why
			}
		}
		return cty.ObjectVal(values), ""
	case *hclsyntax.ScopeTraversalExpr:
		if word := hcl.ExprAsKeyword(e); word != "" {
			return cty.NilVal, fmt.Sprintf("must be a plain value: a text stands in quotes, %q", word)
		}
	}
	return cty.NilVal, plainOnly
}

func plainKey(e hclsyntax.Expression) (key, why string) {
	if word := hcl.ExprAsKeyword(e); word != "" {
		return word, ""
	}
	if wrapped, ok := e.(*hclsyntax.ObjectConsKeyExpr); ok {
		e = wrapped.Wrapped
	}
	value, why := plain(e)
	if why == "" && !isString(value) {
		why = "must have texts as keys"
	}
	if why != "" {
		return "", why
	}
	return value.AsString(), ""
}

// describe names a value's kind; the value itself may be of any size.
func describe(v cty.Value) string {
	t := v.Type()
	switch {
	case v.IsNull():
		return "null"
	case t == cty.String:
		return "a text"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsTupleType():
		return "a list of other things or none"
	}
	return "a table of other things"
}

// tooDeep finds the place where brackets nest deeper than maxDepth.
func tooDeep(tokens hclsyntax.Tokens) (hcl.Pos, bool) {
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote,
			hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote,
			hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			depth--
		}
		if depth > maxDepth {
			return t.Range.Start, true
		}
	}
	return hcl.Pos{}, false
}
