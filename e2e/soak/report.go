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
)

// report judges all calls, prints the tables, and returns an error where a call
// was lost, doubled or is unexplained, or something was not felt.
func (s *soak) report(w io.Writer) error {
	passed, err := passedTo(s.accessLog())
	if err != nil {
		return err
	}
	f := findings{lines: map[line]*tally{}, whys: map[string]int{}, versions: map[string]bool{}}
	for _, r := range s.book.all {
		executed := s.ledger.of(r.id)
		to := cmp.Or(passed[r.id], passed[r.job]) // a job's attempts are logged under its own id
		f.add(r, judge(r, executed, to, s.faults.all), len(executed))
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	f.print(tw)
	fmt.Fprintln(tw, "\nphase\tcount of Soak 1.0.0\tof 2.0.0\tof SoakWaves")
	for i, p := range phases {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", p.name, s.span(i, 0), s.span(i, 1), s.span(i, 2))
	}
	_ = tw.Flush() // a terminal that is gone

	sum := f.lines[line{every, every}]
	s.evidence(sum, f.lines[line{diskFull, submit}], f.versions)
	fmt.Fprintln(w)
	for _, e := range s.felts {
		fmt.Fprintln(w, e)
	}
	fmt.Fprintf(w, "%d further executions of calls that may run twice\n", sum.again)
	fmt.Fprintf(w, "\n%d calls: %d lost, %d doubled, %d unexplained\n", sum.calls, sum.lost, sum.doubled, len(f.bad)-sum.lost-sum.doubled)
	if len(f.bad) > 0 {
		return fmt.Errorf("%d calls went wrong:\n%s", len(f.bad), strings.Join(f.bad[:min(len(f.bad), 40)], "\n"))
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
