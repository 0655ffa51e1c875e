package gen

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/dynsvc/dynsvc/kidl"
)

// words takes a name of an interface apart, in lower case.
//
//	filter_contigs -> filter contigs
//	KBaseFeatureValues -> k base feature values
//	getURLOf2Things -> get url of2 things
func words(name string) []string {
	all := split(name)
	for i, word := range all {
		all[i] = strings.ToLower(word)
	}
	return all
}

// split cuts a name at everything that is no letter or digit, and where capitals
// say that a word begins.
func split(name string) []string {
	var all []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			all = append(all, string(word))
			word = word[:0]
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			flush()
			continue
		}
		if i > 0 && unicode.IsUpper(r) {
			before := runes[i-1]
			nextIsLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if unicode.IsLower(before) || unicode.IsDigit(before) || unicode.IsUpper(before) && nextIsLower {
				flush()
			}
		}
		word = append(word, r)
	}
	flush()
	return all
}

// snake is the name as snake_case.
func snake(name string) string { return strings.Join(words(name), "_") }

// kebab is the name as kebab-case.
func kebab(name string) string { return strings.Join(words(name), "-") }

// pascal is the name as PascalCase. Capitals inside a name of the interface stay
// where they are, so that FBAModel does not become FbaModel.
func pascal(name string) string {
	var b strings.Builder
	up := true
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			up = true
			continue
		}
		if up {
			r = unicode.ToUpper(r)
		}
		b.WriteRune(r)
		up = unicode.IsDigit(r)
	}
	return b.String()
}

// camel is the name as camelCase: pascal with its first word in lower case.
func camel(name string) string {
	separator := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	name = strings.TrimLeftFunc(name, separator)
	head, rest := name, ""
	if i := strings.IndexFunc(name, separator); i >= 0 {
		head, rest = name[:i], name[i:]
	}
	head = pascal(head)
	end := 0 // of the leading capitals
	for end < len(head) && head[end] >= 'A' && head[end] <= 'Z' {
		end++
	}
	if end > 1 && end < len(head) && head[end] >= 'a' && head[end] <= 'z' {
		end-- // the last capital begins the second word: URLOf -> urlOf
	}
	return strings.ToLower(head[:end]) + head[end:] + pascal(rest)
}

// ident keeps a name as it is, as far as it is one in nearly all languages:
// what is no letter, digit or underscore becomes an underscore.
func ident(name string) string {
	return strings.Map(func(r rune) rune {
		if r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '_'
	}, name)
}

// set is a set of words, as for those that a language reserves.
type set map[string]bool

func setOf(text string) set {
	s := set{}
	for _, word := range strings.Fields(text) {
		s[word] = true
	}
	return s
}

// scope is where names must differ: from each other and from those that are
// taken from the start.
type scope struct {
	taken map[string]bool
	fold  bool // capitals and small letters are the same, as in files
}

func newScope(taken ...set) *scope {
	s := &scope{taken: map[string]bool{}}
	for _, words := range taken {
		for word := range words {
			s.taken[word] = true
		}
	}
	return s
}

// pick takes the first of the names that is free, else the last with a number
// from 2 up. A name is for good: ask for names in the order of the interface, so
// that what is added at its end renames nothing before it.
func (s *scope) pick(names ...string) string {
	var last string
	for _, name := range names {
		if s.take(name) {
			return name
		}
		last = name
	}
	for n := 2; ; n++ {
		if name := last + strconv.Itoa(n); s.take(name) {
			return name
		}
	}
}

func (s *scope) take(name string) bool {
	key := name
	if s.fold {
		key = strings.ToLower(name)
	}
	if name == "" || s.taken[key] {
		return false
	}
	s.taken[key] = true
	return true
}

// methods are the names of a client's methods. Those called like a function of
// the interface are taken first: what is made of one, as run_x of x, gives way to
// a function with that name.
type methods struct {
	*scope
	plain map[*kidl.Function]string
}

func newMethods(s *scope, functions []*kidl.Function, name func(string) string) *methods {
	m := &methods{s, map[*kidl.Function]string{}}
	for _, f := range functions {
		m.plain[f] = s.pick(name(f.Name))
	}
	return m
}
