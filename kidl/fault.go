package kidl

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Position is a place in a source file. Lines and columns count from 1; a
// column is one UTF-16 unit, as in editors, and a tab ends at the next multiple
// of 8. Only a fault at the very end of a file can have column 0: it stands
// after the last line break.
type Position struct {
	Line int `json:"line"`
	Col  int `json:"col"`
}

// before says whether p stands ahead of q.
func (p Position) before(q Position) bool {
	return p.Line < q.Line || p.Line == q.Line && p.Col < q.Col
}

// Fault is one thing that is wrong with an interface, and where.
type Fault struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Col     int    `json:"col"`
	Message string `json:"message"`
}

// String is the fault as file:line:col: message.
func (f Fault) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Col, f.Message)
}

// Faults is everything that is wrong, the main file first, each file from top
// to bottom. It is what the errors of [Parse] and [Load] are made of.
type Faults []Fault //nolint:errname // a fault is a fault in all packages

// Error prints all of them, one a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// err is f as an error; no faults are no error.
func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// sorted puts the faults of the main file first and drops doubles and what was taken back.
func (f Faults) sorted(main string) Faults {
	f = slices.DeleteFunc(slices.Clone(f), func(x Fault) bool { return x.Message == "" }) // taken back
	rank := func(x Fault) int {
		if x.File == main {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return slices.Compact(f)
}
