package workshop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
	"github.com/dynsvc/dynsvc/service"
)

// ExampleFiles are where a module keeps its example calls.
const ExampleFiles = "tests/*.json"

// Example is a call with what it has to give: a result, an error, or only that
// it succeeds.
type Example struct {
	File string `json:"-"`

	Name      string          `json:"name"`      // for people; empty: the method's
	Method    string          `json:"method"`    // without the module's name
	Params    json.RawMessage `json:"params"`    // a list, or an object by name; absent: none
	Result    json.RawMessage `json:"result"`    // a list of the function's results; absent: any that fits the interface
	Error     *ExampleError   `json:"error"`     // nil: it must succeed
	Tolerance float64         `json:"tolerance"` // how far numbers of the result may be off, as a part of them; 0: not at all
}

// ExampleError is what is said of an error that is wanted.
type ExampleError struct {
	Code    int    `json:"code"`    // 0: any
	Message string `json:"message"` // a part of it
}

// Answer is what a call gave: exactly one of the two.
type Answer struct {
	Result json.RawMessage
	Error  *ExampleError
}

// String names an example.
func (e Example) String() string {
	if e.Name == "" {
		return e.File + ": " + e.Method
	}
	return e.File + ": " + e.Method + ": " + e.Name
}

// ReadExamples reads all example calls of a module's folder, in the order of
// their files. The error has everything that is wrong with them.
func ReadExamples(fsys fs.FS) ([]Example, error) {
	names, err := fs.Glob(fsys, ExampleFiles)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var all []Example
	var faults []error
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		examples, err := parseExamples(text)
		if err != nil {
			faults = append(faults, service.Errorf(service.ErrInvalid, "%s: %w", name, err))
			continue
		}
		for i, e := range examples {
			e.File = name
			if fault := e.fault(); fault != "" {
				faults = append(faults, service.Errorf(service.ErrInvalid, "%s: example %d %s", name, i+1, fault))
			}
			all = append(all, e)
		}
	}
	return all, errors.Join(faults...)
}

// parseExamples reads a file: one example or a list of them.
func parseExamples(text []byte) ([]Example, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var many []Example
	var into any = &many
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		many = make([]Example, 1)
		into = &many[0]
	}
	if err := d.Decode(into); err != nil {
		return nil, fmt.Errorf("is no example call, an object with method, params and result or error, nor a list of them: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the examples")
	}
	return many, nil
}

func (e Example) fault() string {
	switch params := bytes.TrimSpace(e.Params); {
	case e.Method == "":
		return "needs method"
	case strings.Contains(e.Method, "."):
		return fmt.Sprintf("names the method %q: leave the module's name out", e.Method)
	case e.Result != nil && e.Error != nil:
		return "has result and error: a call gives one of the two"
	case len(params) > 0 && params[0] != '[' && params[0] != '{':
		return "needs params as a list, or as an object by name"
	case e.Tolerance < 0 || e.Tolerance >= 1:
		return "needs a tolerance from 0 to below 1, such as 1e-9"
	}
	return ""
}

// Judge says what is wrong with an answer; nil: nothing. Results are also held
// against the interface, if there is one: f may be nil.
func (e Example) Judge(got Answer, f *kidl.Function) error {
	switch {
	case got.Error != nil && e.Error == nil:
		return fmt.Errorf("failed: %s (code %d)", got.Error.Message, got.Error.Code)
	case got.Error != nil:
		return e.Error.judge(*got.Error)
	case e.Error != nil:
		return fmt.Errorf("gave %s, want an error", brief(got.Result))
	}
	if f != nil {
		if misfits := f.FitResult(got.Result, 1); len(misfits) > 0 {
			return fmt.Errorf("gave what does not fit the interface: %s", misfits)
		}
	}
	if e.Result == nil {
		return nil
	}
	return differ(e.Result, got.Result, e.Tolerance)
}

func (want ExampleError) judge(got ExampleError) error {
	if want.Code != 0 && got.Code != want.Code || !strings.Contains(got.Message, want.Message) {
		return fmt.Errorf("failed with %q (code %d), want a message with %q (code %d)", got.Message, got.Code, want.Message, want.Code)
	}
	return nil
}
