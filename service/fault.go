package service

import (
	"errors"
	"fmt"
)

// Fault is one thing that is wrong with a version. Field is the path of the
// value in its JSON form, e.g. "scale.windows[0].cron"; it lets whoever read
// the version from a file say where that stands.
type Fault struct {
	Field string
	Text  string // goes on after the field's name: "must be …"
}

func (f *Fault) Error() string { return f.Field + " " + f.Text }

// Is makes every fault one of kind [ErrInvalid].
func (f *Fault) Is(target error) bool { return target == ErrInvalid }

// Faults lists the faults that err is made of.
func Faults(err error) []*Fault {
	if err == nil {
		return nil
	}
	if f, ok := err.(*Fault); ok { //nolint:errorlint // the tree is walked by hand
		return []*Fault{f}
	}
	switch e := err.(type) { //nolint:errorlint // the tree is walked by hand
	case interface{ Unwrap() []error }:
		var all []*Fault
		for _, inner := range e.Unwrap() {
			all = append(all, Faults(inner)...)
		}
		return all
	case interface{ Unwrap() error }:
		return Faults(e.Unwrap())
	}
	return nil
}

// faults collects.
type faults []error

func (f *faults) add(field, format string, args ...any) {
	*f = append(*f, &Fault{Field: field, Text: fmt.Sprintf(format, args...)})
}

func (f *faults) check(ok bool, field, format string, args ...any) {
	if !ok {
		f.add(field, format, args...)
	}
}

func (f faults) join() error { return errors.Join(f...) }
