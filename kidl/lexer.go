package kidl

import (
	"strings"
	"unicode/utf8"
)

// tabWidth is how far apart tab stops are; positions must agree with KBase's compiler.
const tabWidth = 8

// lexer cuts the source into tokens, one call of next each, and collects the
// comments on its way.
type lexer struct {
	src  string
	off  int
	line int
	// The column of the byte at off is off - lineStart + 1 + adjust; adjust
	// accounts for tabs and for letters of several bytes.
	lineStart, adjust int

	tokens   int       // so far: the number of the next one
	prevLine int       // where the token before ended
	comments []Comment // all so far
	stopped  bool      // pretend that the file ends here
	last     int       // index of the comment a definition would take as its doc; -1: none
	quiet    bool      // what stands before the next token has been reported
	report   func(at Position, message string)
}

func newLexer(src string, report func(Position, string)) lexer {
	return lexer{src: src, line: 1, last: -1, report: report}
}

// next gives the next token; at the end it gives eof for ever.
func (l *lexer) next() token {
	faulty := false
	l.quiet = false
	for l.off < len(l.src) && !l.stopped {
		c := l.src[l.off]
		switch {
		case isLetter(c):
			end := l.off + 1
			for end < len(l.src) && isNameRest(l.src[end]) {
				end++
			}
			return l.token(word(l.src[l.off:end]), end, faulty)
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			l.advance(l.off + 1)
		case punctuation[c] != 0:
			return l.token(punctuation[c], l.off+1, faulty)
		case c == '/' && strings.HasPrefix(l.src[l.off:], "/*"):
			if !l.comment() {
				faulty = true
			}
		case c == '#' && strings.HasPrefix(l.src[l.off:], "#include"):
			if end, ok := includeEnd(l.src, l.off); ok {
				return l.token(include, end, faulty)
			}
			l.complain(l.here(), `expected the file's path in angle brackets, as in #include <types.spec>`)
			l.advance(lineEnd(l.src, l.off))
			faulty = true
		default:
			faulty = true
			if end := l.illegal(c); end > 0 {
				return l.token(ident, end, true)
			}
		}
	}
	return token{kind: eof, afterFault: faulty, start: l.off, end: l.off, at: endOfFile(l.src)}
}

// complain reports, once between two tokens.
func (l *lexer) complain(at Position, message string) {
	if !l.quiet {
		l.quiet = true
		l.report(at, message)
	}
}

func (l *lexer) here() Position {
	return Position{Line: l.line, Col: l.off - l.lineStart + 1 + l.adjust}
}

func (l *lexer) token(k kind, end int, faulty bool) token {
	t := token{kind: k, afterFault: faulty, start: l.off, end: end, at: l.here()}
	if k == include {
		l.advance(end) // it may hold anything
	} else {
		l.off = end
	}
	l.prevLine = l.line
	l.tokens++
	return t
}

// comment reads one comment and remembers it.
func (l *lexer) comment() bool {
	length := strings.Index(l.src[l.off+2:], "*/")
	if length < 0 {
		l.complain(lexicalPosition(l.src, len(l.src)), "comment that began on line "+itoa(l.line)+" is not closed: expected */ before the end of the file")
		l.advance(len(l.src))
		return false
	}
	end := l.off + 2 + length + 2
	l.last = len(l.comments)
	l.comments = append(l.comments, Comment{
		At: l.here(), Text: l.src[l.off:end], Before: l.tokens, Trailing: l.tokens > 0 && l.line == l.prevLine,
	})
	l.advance(end)
	return true
}

// advance moves over any text and keeps count of lines and columns.
func (l *lexer) advance(to int) {
	for l.off < to {
		c := l.src[l.off]
		switch {
		case c >= utf8.RuneSelf:
			_, size := utf8.DecodeRuneInString(l.src[l.off:])
			l.adjust -= size - units(size)
			l.off += size
			continue
		case c == '\t':
			col := l.off - l.lineStart + l.adjust // from 0
			l.adjust += tabWidth - 1 - col%tabWidth
		case c == '\n', c == '\r' && !strings.HasPrefix(l.src[l.off+1:], "\n"):
			l.line, l.lineStart, l.adjust = l.line+1, l.off+1, 0
		}
		l.off++
	}
}

// units is how many columns a letter of so many bytes takes: outside the basic
// plane (4 bytes) UTF-16 needs two.
func units(size int) int {
	if size == 4 {
		return 2
	}
	return 1
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isNameRest(c byte) bool {
	return isLetter(c) || c >= '0' && c <= '9' || c == '_' || c == '$' || c == '-'
}

// includeEnd finds the end of an #include line that begins at start.
func includeEnd(src string, start int) (end int, ok bool) {
	open := start + len("#include")
	for open < len(src) && (src[open] == ' ' || src[open] == '\t') {
		open++
	}
	if open == len(src) || src[open] != '<' {
		return 0, false
	}
	length := strings.IndexByte(src[open:], '>')
	return open + length + 1, length >= 0
}

// lineEnd is the offset of the line break after off, or the end.
func lineEnd(src string, off int) int {
	if n := strings.IndexAny(src[off:], "\r\n"); n >= 0 {
		return off + n
	}
	return len(src)
}
