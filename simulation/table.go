package simulation

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// table is a CSV file of the Azure dataset whose columns have names.
type table struct {
	path string
	file *os.File
	rows *csv.Reader
	head []string
	at   map[string]int // column -> its place
	need int            // columns that a row has at least
}

// openTable opens a file, plain or gzipped, that has to have some columns.
func openTable(path string, columns ...string) (*table, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	t := &table{path: path, file: file, at: map[string]int{}}
	if err := t.names(columns); err != nil {
		t.close()
		return nil, fmt.Errorf("%s:1: %w", path, err)
	}
	return t, nil
}

func (t *table) close() { _ = t.file.Close() } // it was only read

// names reads the first line.
func (t *table) names(columns []string) error {
	in := bufio.NewReaderSize(t.file, 1<<20)
	if strings.HasSuffix(t.path, ".gz") {
		z, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("it is not gzipped: %w", err)
		}
		in = bufio.NewReaderSize(z, 1<<20)
	}
	if mark, err := in.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = in.Discard(3) // they are there
	}
	t.rows = csv.NewReader(in)
	t.rows.FieldsPerRecord, t.rows.ReuseRecord = -1, true
	head, err := t.rows.Read()
	if errors.Is(err, io.EOF) {
		return errors.New("it is empty: the first line names the columns")
	}
	if err != nil {
		return fmt.Errorf("read the names of the columns: %w", err)
	}
	if t.head = slices.Clone(head); t.head[len(head)-1] == "" {
		t.head = t.head[:len(head)-1] // a comma ends the line
	}
	for i, name := range t.head {
		t.at[name] = i
	}
	for _, name := range columns {
		i, ok := t.at[name]
		if !ok {
			return fmt.Errorf("there is no column %s: it is not such a file of AzureFunctionsDataset2019", name)
		}
		t.need = max(t.need, i+1)
	}
	return nil
}

// minutes is the place of the first of the columns of minutes, which are the last
// ones and count from 1.
func (t *table) minutes() (first int, err error) {
	for _, prefix := range []string{"", "minute_"} {
		first, ok := t.at[prefix+"1"]
		if !ok {
			continue
		}
		for i, name := range t.head[first:] {
			if want := prefix + strconv.Itoa(i+1); name != want {
				return 0, fmt.Errorf("%s:1: column %d is %q, want %s: the minutes are the last columns, in their order", t.path, first+i+1, name, want)
			}
		}
		if first < t.need {
			return 0, fmt.Errorf("%s:1: the minutes come before HashApp or HashFunction, want them last", t.path)
		}
		return first, nil
	}
	return 0, fmt.Errorf("%s:1: there is no column minute_1 or 1: it is not a file of calls a minute, such as invocations_per_function_md.anon.d01.csv", t.path)
}

// each tells f of each row after the first. Faults are told with file and line.
func (t *table) each(f func(row []string) error) error {
	for line := 1; ; {
		row, err := t.rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if fault, ok := errors.AsType[*csv.ParseError](err); ok {
			return fmt.Errorf("%s:%d:%d: %w", t.path, fault.Line, fault.Column, fault.Err)
		}
		if err != nil { // what could not be unpacked has no line of its own
			return fmt.Errorf("%s: after line %d: %w", t.path, line, err)
		}
		line, _ = t.rows.FieldPos(0)
		if len(row) < t.need {
			err = fmt.Errorf("%d columns, want %d", len(row), len(t.head))
		} else {
			err = f(row)
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", t.path, line, err)
		}
	}
}
