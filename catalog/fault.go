package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/dynsvc/dynsvc/service"
)

// Fault is one thing that is wrong with a manifest, and where it stands.
type Fault struct {
	File      string
	Line, Col int // from 1; 0: the file as a whole
	Text      string
}

func (f *Fault) Error() string { return position(f.File, f.Line, f.Col) + f.Text }

// Is makes every fault one of kind [service.ErrInvalid].
func (f *Fault) Is(target error) bool { return target == service.ErrInvalid }

// Notice tells the developer something that is no error, as one sentence that
// begins with its place where it has one.
type Notice = string

func position(file string, line, col int) string {
	switch {
	case file == "":
		return ""
	case line == 0:
		return file + ": "
	}
	return fmt.Sprintf("%s:%d:%d: ", file, line, col)
}

// joined is all faults of a file in the order of their places, each once.
func joined(faults []Fault) error {
	slices.SortFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Text, b.Text))
	})
	faults = slices.Compact(faults)
	all := make([]error, len(faults))
	for i := range faults {
		all[i] = &faults[i]
	}
	return errors.Join(all...)
}
