package kidl

// printer puts words in a row. It counts them as the lexer does, and so knows
// between which ones the comments belong.
type printer struct {
	out      []byte
	comments []Comment // those to come
	words    int
	level    int
	start    bool // nothing is on the line yet
	glued    bool // no blank before the next word
}

// word writes a word with a blank before it.
func (p *printer) word(text string) {
	p.flush()
	if p.start {
		p.indent()
	} else if !p.glued {
		p.out = append(p.out, ' ')
	}
	p.put(text)
}

// sign writes a word that follows the one before without a blank.
func (p *printer) sign(text string) {
	p.flush()
	if p.start {
		p.indent()
	}
	p.put(text)
}

func (p *printer) put(text string) {
	p.out = append(p.out, text...)
	p.start = false
	p.glued = text == "(" || text == "<" || text == "."
	p.words++
}

func (p *printer) indent() {
	for range p.level {
		p.out = append(p.out, "    "...)
	}
}

// flush writes the comments before the next word: on lines of their own where a
// line begins, else into the line.
func (p *printer) flush() {
	for p.commented() {
		c := p.comments[0]
		p.comments = p.comments[1:]
		if p.start {
			p.indent()
			p.out = append(append(p.out, c.Text...), '\n')
			continue
		}
		p.out = append(append(p.out, ' '), c.Text...)
		p.glued = false
	}
}

// commented says whether comments stand before the next word.
func (p *printer) commented() bool {
	return len(p.comments) > 0 && p.comments[0].Before <= p.words
}

// newline ends the line, with the comments that stood at its end.
func (p *printer) newline() {
	for p.commented() && p.comments[0].Trailing {
		p.out = append(append(p.out, ' '), p.comments[0].Text...)
		p.comments = p.comments[1:]
	}
	p.out = append(p.out, '\n')
	p.start, p.glued = true, false
}

// blank leaves a line empty, except after an opening brace and at the beginning.
func (p *printer) blank() {
	if n := len(p.out); n > 2 && p.out[n-2] != '{' && p.out[n-2] != '\n' {
		p.out = append(p.out, '\n')
	}
}
