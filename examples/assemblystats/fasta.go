package main

import (
	"iter"
	"strings"

	"github.com/dynsvc/dynsvc/sdk"
)

// contigs yields the sequences of a text in FASTA format, in upper case and without
// white space. An error, which is for the caller, ends it.
func contigs(fasta string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		var sequence strings.Builder
		begun, n := false, 0
		for line := range strings.Lines(fasta) {
			n++
			line = strings.TrimSpace(line)
			switch {
			case strings.HasPrefix(line, ">"):
				if begun && !yield(sequence.String(), nil) {
					return
				}
				begun = true
				sequence.Reset()
			case line != "" && !begun:
				yield("", sdk.Errorf("line %d: a FASTA text begins with a line that starts with \">\", not with %.20q", n, line))
				return
			default:
				sequence.WriteString(strings.ToUpper(line))
			}
		}
		if begun {
			yield(sequence.String(), nil)
		}
	}
}
