package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// row is one line of the table, ready to print.
type row struct{ what, measured, against, ratio, budget, verdict, command string }

type table []row

// add enters a line. met is left out where there is no budget.
func (t *table) add(r row, met bool) {
	switch {
	case r.budget == "":
		r.budget, r.verdict = "-", "-"
	case met:
		r.verdict = "met"
	default:
		r.verdict = "MISSED"
	}
	*t = append(*t, r)
}

func (t table) print(w io.Writer) {
	if len(t) == 0 {
		return
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "\nwhat\tmeasured\tpeer or floor\tratio\tbudget\t\tcommand")
	for _, r := range t {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.what, r.measured, cmp.Or(r.against, "-"), cmp.Or(r.ratio, "-"), r.budget, r.verdict, r.command)
	}
	_ = tw.Flush() // a terminal that is gone
}

// quantile is the nearest rank: 0.5 of ten values is the fifth.
func quantile[T cmp.Ordered](values []T, q float64) T {
	sorted := slices.Sorted(slices.Values(values))
	i := int(q*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

func median[T cmp.Ordered](values []T) T { return quantile(values, 0.5) }

// ratios divides round by round: what disturbs a round disturbs both.
func ratios[T ~int64 | ~float64](a, b []T) []float64 {
	var out []float64
	for i := range a {
		out = append(out, float64(a[i])/float64(b[i]))
	}
	return out
}

// differences subtracts round by round.
func differences[T ~int64 | ~float64](a, b []T) []T {
	var out []T
	for i := range a {
		out = append(out, a[i]-b[i])
	}
	return out
}

func ms(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d)/1e6) }

// calls prints a rate.
func calls(v float64) string { return fmt.Sprintf("%.1f k/s", v/1000) }
