package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

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
		t.why[v.rule.fault+": "+string(r.outcome)]++
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

// report judges all calls, prints the tables, and returns an error where a call
// was lost, doubled or is unexplained, or something was not felt.
func (s *soak) report(w io.Writer) error {
	passed, err := passedTo(s.accessLog())
	if err != nil {
		return err
	}
	type line struct{ phase, kind string }
	lines := map[line]*tally{}
	whys := map[string]int{}
	var bad []string
	var sum tally
	versions := map[string]bool{}
	for _, r := range s.book.all {
		v := judge(r, s.ledger.of(r.id), passed[r.id], s.faults.all)
		at := line{phases[r.phase].name, r.kind}
		if lines[at] == nil {
			lines[at] = &tally{}
		}
		lines[at].add(r, v)
		if r.kind != submit {
			sum.add(r, v)
		}
		if v.rule != nil {
			whys[fmt.Sprintf("%s: %s\t%s", v.rule.fault, r.outcome, v.rule.why)]++
		}
		if v.bad() {
			bad = append(bad, fmt.Sprintf("%s, %s in %q: %s: %s %d %s (executed %d times; %s to %s)", r.id, r.kind, phases[r.phase].name,
				v.complaint, r.outcome, r.status, r.text, len(s.ledger.of(r.id)), r.began.Format("15:04:05.000"), r.ended.Format("15:04:05.000")))
		}
		if r.version != "" {
			versions[r.version] = true
		}
	}

	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "\nphase\tkind\tcalls\tok\terrors explained\tlost\tdoubled\tunexplained\tp50\tp99\tcold")
	print := func(phase, kind string, t *tally) {
		fmt.Fprintf(tw, "%s\t%s\t%d\t%d\t%s\t%d\t%d\t%d\t%s\t%s\t%d\n", phase, kind, t.calls, t.ok, t.explained(), t.lost, t.doubled, t.unexplained, t.quantile(0.5), t.quantile(0.99), t.cold)
	}
	for _, p := range phases {
		for _, k := range append(kindNames(), submit) {
			if t := lines[line{p.name, k}]; t != nil {
				print(p.name, k, t)
			}
		}
	}
	print("all", "but tries to submit", &sum)
	_ = tw.Flush() // a terminal that is gone

	fmt.Fprintln(tw, "\nphase\tcount of Soak 1.0.0\tof 2.0.0\tof SoakWaves")
	for i, p := range phases {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", p.name, s.span(i, 0), s.span(i, 1), s.span(i, 2))
	}
	fmt.Fprintln(tw, "\nerrors explained\t\twhy")
	for _, why := range slices.Sorted(maps.Keys(whys)) {
		what, because, _ := strings.Cut(why, "\t")
		fmt.Fprintf(tw, "%s\t%d\t%s\n", what, whys[why], because)
	}
	_ = tw.Flush() // a terminal that is gone

	s.evidence(&sum, lines[line{diskFull, submit}], versions)
	fmt.Fprintln(w)
	for _, e := range s.felts {
		fmt.Fprintln(w, e)
	}
	fmt.Fprintf(w, "%d further executions of calls that may run twice\n", sum.again)
	fmt.Fprintf(w, "\n%d calls: %d lost, %d doubled, %d unexplained\n", sum.calls, sum.lost, sum.doubled, len(bad)-sum.lost-sum.doubled)
	if len(bad) > 0 {
		return fmt.Errorf("%d calls went wrong:\n%s", len(bad), strings.Join(bad[:min(len(bad), 40)], "\n"))
	}
	return s.unfelt
}

// evidence checks that what was done was felt: a fault that nobody noticed proves
// nothing.
func (s *soak) evidence(sum, full *tally, versions map[string]bool) {
	out, in, zero := s.steps()
	s.felt(out > 0, "counts were raised above one %d times, lowered to one or more %d times, and to zero %d times", out, in, zero)
	s.felt(zero > 0, "calls from zero: %d", sum.cold)
	s.felt(versions["1.0.0"] && versions["2.0.0"], "answers came from the versions %v", slices.Sorted(maps.Keys(versions)))
	s.felt(full != nil, "the full disk was noticed: %v", full != nil)
}

// felt enters what is known of something that was done.
func (s *soak) felt(it bool, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.felts = append(s.felts, text)
	if !it {
		s.unfelt = errors.Join(s.unfelt, fmt.Errorf("proves nothing: %s", text))
	}
}

// passedTo reads from the access log to which instance each call was sent last.
func passedTo(name string) (allocs map[string]string, err error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	allocs = map[string]string{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct {
			RequestID string `json:"request_id"`
			Alloc     string `json:"alloc"`
		}
		// The last line of an agent that was killed may be half of one.
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			allocs[e.RequestID] = e.Alloc
		}
	}
	return allocs, lines.Err()
}

func kindNames() (names []string) {
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}
