package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// findings is what became of all calls.
type findings struct {
	lines    map[line]*tally
	whys     map[string]int  // errors that a rule explains, by fault, outcome and reason
	versions map[string]bool // that have answered
	bad      []string        // calls that the soak fails for
}

// line is where a call is counted.
type line struct{ phase, kind string }

// every phase, or every kind. Tries to submit a job are not counted as a kind there:
// the job is.
const every = "all"

func (f *findings) add(r *record, v verdict, executed int) {
	at := []line{{phases[r.phase].name, r.kind}, {every, r.kind}}
	if r.kind != submit {
		at = append(at, line{phases[r.phase].name, every}, line{every, every})
	}
	for _, l := range at {
		if f.lines[l] == nil {
			f.lines[l] = &tally{}
		}
		f.lines[l].add(r, v)
	}
	if r.version != "" {
		f.versions[r.version] = true
	}
	if v.rule != nil {
		f.whys[fmt.Sprintf("%s: %s\t%s", v.rule.fault, r.outcome, v.rule.why)]++
	}
	if v.bad() {
		f.bad = append(f.bad, fmt.Sprintf("%s, %s in %q: %s: %s %d %s (executed %d times; %s to %s)", r.id, r.kind, phases[r.phase].name,
			v.complaint, r.outcome, r.status, r.text, executed, r.began.Format("15:04:05.000"), r.ended.Format("15:04:05.000")))
	}
}

// print writes the table of calls and that of errors.
func (f *findings) print(w io.Writer) {
	fmt.Fprintln(w, "\nphase\tkind\tcalls\tok\terrors explained\tlost\tdoubled\tunexplained\tp50\tp99\tcold")
	var names []string
	for _, p := range phases {
		names = append(names, p.name)
	}
	for _, p := range append(names, every) {
		for _, k := range append(kindNames(), submit, every) {
			if t := f.lines[line{p, k}]; t != nil {
				fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%d\t%d\t%d\t%s\t%s\t%d\n",
					p, k, t.calls, t.ok, t.explained(), t.lost, t.doubled, t.unexplained, t.quantile(0.5), t.quantile(0.99), t.cold)
			}
		}
	}
	fmt.Fprintln(w, "\nerrors explained\t\twhy")
	for _, why := range slices.Sorted(maps.Keys(f.whys)) {
		what, because, _ := strings.Cut(why, "\t")
		fmt.Fprintf(w, "%s\t%d\t%s\n", what, f.whys[why], because)
	}
}

// tally is a line of the table.
type tally struct {
	calls, ok, cold, again, lost, doubled, unexplained int
	why                                                map[string]int
	took                                               []time.Duration
}

func (t *tally) add(r *record, v verdict) {
	t.calls++
	t.again += v.again
	switch {
	case v.doubled:
		t.doubled++
	case v.lost:
		t.lost++
	case v.bad():
		t.unexplained++
	case v.ok:
		t.ok++
	default:
		if t.why == nil {
			t.why = map[string]int{}
		}
		t.why[string(r.outcome)]++
	}
	if r.cold {
		t.cold++
	}
	if v.ok {
		t.took = append(t.took, r.ended.Sub(r.began))
	}
}

// explained is how many errors have a cause, by it.
func (t *tally) explained() string {
	var parts []string
	for _, why := range slices.Sorted(maps.Keys(t.why)) {
		parts = append(parts, fmt.Sprintf("%d %s", t.why[why], why))
	}
	return cmp.Or(strings.Join(parts, ", "), "0")
}

// quantile is the nearest rank.
func (t *tally) quantile(q float64) string {
	if len(t.took) == 0 {
		return "-"
	}
	slices.Sort(t.took)
	d := t.took[min(int(q*float64(len(t.took))), len(t.took)-1)]
	return fmt.Sprintf("%.2f s", d.Seconds())
}
