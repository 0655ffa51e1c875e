package kidl

import (
	"strconv"
	"strings"
)

// kind is what a token is.
type kind uint8

const (
	eof kind = iota
	ident
	include // a whole line: #include <path>

	// The keywords up to kwAsync may also be names.
	kwRequired
	kwOptional
	kwNone
	kwAsync

	kwModule
	kwTypedef
	kwFuncdef
	kwReturns
	kwAuthentication
	kwString
	kwInt
	kwFloat
	kwUnspecified
	kwList
	kwMapping
	kwStructure
	kwTuple

	parenOpen
	parenClose
	braceOpen
	braceClose
	angleOpen
	angleClose
	comma
	dot
	semicolon
	colon
)

// token is a word of the source. Its text is src[start:end].
type token struct {
	kind       kind
	afterFault bool // the lexer has reported something between the token before and this one, or in it
	start, end int
	at         Position
}

// isName says whether the token may name something.
func (k kind) isName() bool { return k == ident || k >= kwRequired && k <= kwAsync }

// isReserved says whether the token is a word that cannot be a name.
func (k kind) isReserved() bool { return k >= kwModule && k <= kwTuple }

// isType says whether a type may begin with the token.
func (k kind) isType() bool { return k.isName() || k >= kwString && k <= kwTuple }

// isComponent says whether a part of a module begins with the token, whatever
// stands before it: these words are reserved.
func (k kind) isComponent() bool { return k == kwTypedef || k == kwFuncdef || k == kwAuthentication }

// word gives the kind of a word made of letters.
func word(text string) kind {
	switch text {
	case "required":
		return kwRequired
	case "optional":
		return kwOptional
	case "none":
		return kwNone
	case "async":
		return kwAsync
	case "module":
		return kwModule
	case "typedef":
		return kwTypedef
	case "funcdef":
		return kwFuncdef
	case "returns":
		return kwReturns
	case "authentication":
		return kwAuthentication
	case "string":
		return kwString
	case "int":
		return kwInt
	case "float":
		return kwFloat
	case "UnspecifiedObject":
		return kwUnspecified
	case "list":
		return kwList
	case "mapping":
		return kwMapping
	case "structure":
		return kwStructure
	case "tuple":
		return kwTuple
	}
	return ident
}

// punctuation gives the kind of a single sign; 0 where it is none.
var punctuation = [256]kind{
	'(': parenOpen, ')': parenClose, '{': braceOpen, '}': braceClose, '<': angleOpen, '>': angleClose,
	',': comma, '.': dot, ';': semicolon, ':': colon,
}

// describe names the token in a message: what was found.
func (t token) describe(src string) string {
	text := clip(src[t.start:t.end])
	switch {
	case t.kind == eof:
		return "the end of the file"
	case t.kind == include:
		return "an #include line"
	case t.kind.isReserved():
		return "the reserved word " + strconv.Quote(text)
	}
	return strconv.Quote(text)
}

// clip keeps what is quoted in a message short.
func clip(text string) string {
	if len(text) > 64 {
		return strings.ToValidUTF8(text[:64], "") + "…"
	}
	return text
}
