package kidl

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// illegal reports what cannot begin a token and moves over it. Where it looks
// like a name it gives its end instead, so that the parser takes it as one and
// does not complain a second time.
func (l *lexer) illegal(c byte) (nameEnd int) {
	rest := l.src[l.off:]
	switch {
	case isNameRest(c): // but no letter
		end := l.off + 1
		for end < len(l.src) && isNameRest(l.src[end]) {
			end++
		}
		l.fault(l.off, "expected a name that begins with a letter, found "+strconv.Quote(clip(l.src[l.off:end])))
		return end
	case strings.HasPrefix(rest, "//"):
		l.fault(l.off+1, "line comments are not part of KIDL: write /* … */")
		l.advance(lineEnd(l.src, l.off))
	case c == '/':
		l.fault(l.off+1, `found a single "/": comments are written /* … */`)
		l.advance(l.off + 1)
	case c == '#':
		fail := l.off
		for i := 0; i < len("#include") && fail < len(l.src) && l.src[fail] == "#include"[i]; i++ {
			fail++
		}
		l.fault(fail, "expected #include <file.spec>; KIDL has nothing else that begins with #")
		l.advance(lineEnd(l.src, l.off))
	case c == '"' || c == '\'':
		l.fault(l.off, "text in quotes is not part of KIDL: remove it or make it a comment /* … */")
		end := strings.IndexByte(l.src[l.off+1:lineEnd(l.src, l.off)], c)
		l.advance(l.off + 1 + max(end+1, 0))
	case strings.HasPrefix(rest, "\ufeff"):
		l.fault(l.off, "found a byte order mark: save the file as UTF-8 without one")
		l.advance(l.off + len("\ufeff"))
	default:
		r, _ := utf8.DecodeRuneInString(rest)
		l.fault(l.off, fmt.Sprintf("found the character %q (U+%04X), which is not part of KIDL outside comments", r, r))
		l.advance(l.off + illegalRun(rest))
	}
	return 0
}

// illegalRun is the length of a run of letters that begin no token.
func illegalRun(text string) int {
	n := 0
	for n < len(text) {
		c := text[n]
		if c <= ' ' && n > 0 && (c == ' ' || c == '\t' || c == '\n' || c == '\r') || isNameRest(c) || punctuation[c] != 0 || strings.IndexByte(`/#"'`, c) >= 0 {
			break
		}
		_, size := utf8.DecodeRuneInString(text[n:])
		n += size
	}
	return max(n, 1)
}

func (l *lexer) fault(off int, message string) {
	if !l.quiet { // finding the place takes time
		l.complain(lexicalPosition(l.src, off), message)
	}
}

// lexicalPosition is where KBase's lexer stands when it fails at the letter at
// off: at that letter, or one further when nothing comes after it.
func lexicalPosition(src string, off int) Position {
	last := off
	if off < len(src) {
		_, size := utf8.DecodeRuneInString(src[off:])
		if off+size < len(src) {
			return locate(src, off)
		}
	} else {
		_, size := utf8.DecodeLastRuneInString(src)
		last = len(src) - size
	}
	at := locate(src, last)
	if last < len(src) && (src[last] == '\n' || src[last] == '\r') {
		return Position{Line: at.Line + 1}
	}
	at.Col++
	return at
}

// endOfFile is the place of the last letter: there KBase's parser sees the end.
func endOfFile(src string) Position {
	_, size := utf8.DecodeLastRuneInString(src)
	return locate(src, len(src)-size)
}

// locate gives the place of the letter at off; a line break belongs to the line
// it ends. It walks the whole text and is for faults only.
func locate(src string, off int) Position {
	l := lexer{src: src, line: 1}
	l.advance(off)
	at := l.here()
	if off < len(src) && src[off] == '\t' {
		at.Col += tabWidth - 1 - (at.Col-1)%tabWidth
	}
	return at
}

func itoa(n int) string { return strconv.Itoa(n) }
