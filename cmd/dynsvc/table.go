package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// table prints aligned columns.
type table struct {
	w    *tabwriter.Writer
	out  io.Writer
	rows int
	none string // printed instead of a heading alone
}

func newTable(w io.Writer, columns ...string) *table {
	t := newColumns(w)
	t.row(columns...)
	return t
}

// newColumns is a table without a heading.
func newColumns(w io.Writer) *table {
	return &table{w: tabwriter.NewWriter(w, 0, 4, 2, ' ', 0), out: w}
}

func (t *table) row(cells ...string) {
	t.rows++
	for i, c := range cells {
		if c == "" {
			cells[i] = "-"
		}
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t")) // flush tells what went wrong
}

func (t *table) flush() error {
	if t.rows == 1 && t.none != "" {
		_, err := fmt.Fprintln(t.out, t.none)
		return err
	}
	return t.w.Flush()
}
