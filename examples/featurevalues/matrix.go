package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/dynsvc/dynsvc/sdk"
)

// matrix has a row for each feature and a column for each condition. NaN is a
// missing value.
type matrix struct {
	name       string // empty: it came with the call
	rows, cols items
	values     *mat.Dense
}

// items are the names of rows or columns.
type items struct {
	what  string // "row" or "column"
	ids   []string
	index map[string]int
}

func newItems(what string, ids []string) (items, error) {
	it := items{what: what, ids: ids, index: make(map[string]int, len(ids))}
	for i, id := range ids {
		if first, ok := it.index[id]; ok {
			return it, invalid("%ss %d and %d have the same name %q", what, first, i, id)
		}
		it.index[id] = i
	}
	return it, nil
}

// invalid is an error for values that are of the right type and still wrong.
func invalid(format string, args ...any) error {
	return &sdk.Error{Code: sdk.CodeParams, Message: fmt.Sprintf(format, args...)}
}

const maxLine = 64 << 20 // bytes

// parseTSV reads a matrix.
func parseTSV(r io.Reader) (*matrix, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	var m matrix
	var rows []string
	var values []float64
	var err error
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if line == "" {
			continue
		}
		id, rest, more := strings.Cut(line, "\t")
		cells := strings.Split(rest, "\t")
		if !more {
			cells = nil
		}
		if m.cols.index == nil {
			if m.cols, err = newItems("column", slices.Clone(cells)); err != nil {
				return nil, err
			}
			continue
		}
		if len(cells) != len(m.cols.ids) {
			return nil, invalid("line %d of the matrix has %d values, and there are %d columns", n, len(cells), len(m.cols.ids))
		}
		rows = append(rows, id)
		for i, cell := range cells {
			value, err := parseValue(cell)
			if err != nil {
				return nil, invalid("line %d of the matrix, column %d: %q is no number", n, i+1, cell)
			}
			values = append(values, value)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the matrix: %w", err)
	}
	if len(rows) == 0 || len(m.cols.ids) == 0 {
		return nil, invalid("the matrix is empty: its first line names the columns, and each other one has a row")
	}
	if m.rows, err = newItems("row", rows); err != nil {
		return nil, err
	}
	m.values = mat.NewDense(len(rows), len(m.cols.ids), values)
	return &m, nil
}

func parseValue(cell string) (float64, error) {
	switch cell = strings.TrimSpace(cell); strings.ToLower(cell) {
	case "", "na", "nan":
		return math.NaN(), nil
	}
	value, err := strconv.ParseFloat(cell, 64)
	if err == nil && math.IsInf(value, 0) {
		err = strconv.ErrRange
	}
	return value, err
}

// load reads what is in matrices, if that folder is there: NAME.tsv or NAME.tsv.gz.
func (s *service) load(fsys fs.FS) error {
	s.matrices = make(map[string]*matrix)
	files, err := fs.Glob(fsys, "matrices/*.tsv*")
	if err != nil {
		return err
	}
	for _, file := range files {
		m, err := loadFile(fsys, file)
		if err != nil {
			return fmt.Errorf("load %s: %w", file, err)
		}
		m.name, _, _ = strings.Cut(path.Base(file), ".tsv")
		s.matrices[m.name] = m
	}
	return nil
}

func loadFile(fsys fs.FS, name string) (*matrix, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	if !strings.HasSuffix(name, ".gz") {
		return parseTSV(f)
	}
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return parseTSV(unpacked)
}

func (s *service) names() []string { return slices.Sorted(maps.Keys(s.matrices)) }

// matrix returns the one that a call is about.
func (s *service) matrix(name, tsv string) (*matrix, error) {
	switch {
	case tsv != "" && name != "":
		return nil, invalid("matrix_tsv is a matrix, and %s names another: give one of them", name)
	case tsv != "":
		return parseTSV(strings.NewReader(tsv))
	case name == "":
		return nil, invalid("there is no matrix: give matrix_tsv, or as input_data the name of one of %s", s.known())
	}
	m, ok := s.matrices[name]
	if !ok {
		return nil, invalid("no matrix is called %s: there is %s", name, s.known())
	}
	return m, nil
}

func (s *service) known() string {
	return cmp.Or(strings.Join(s.names(), ", "), "none that is loaded")
}

// choose returns the indices that a call names, or all.
func (it items) choose(indices []int, ids []string) ([]int, error) {
	switch {
	case indices != nil:
		for _, i := range indices {
			if i < 0 || i >= len(it.ids) {
				return nil, invalid("there is no %s %d: they are 0 to %d", it.what, i, len(it.ids)-1)
			}
		}
		return indices, nil
	case ids != nil:
		chosen := make([]int, len(ids))
		for i, id := range ids {
			at, ok := it.index[id]
			if !ok {
				return nil, invalid("there is no %s %s", it.what, id)
			}
			chosen[i] = at
		}
		return chosen, nil
	}
	all := make([]int, len(it.ids))
	for i := range all {
		all[i] = i
	}
	return all, nil
}

// filled returns a copy with the mean of all values where one is missing.
func (m *matrix) filled() *mat.Dense {
	var sum float64
	var n int
	data := m.values.RawMatrix().Data
	for _, v := range data {
		if !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	mean := sum / float64(max(n, 1))
	out := mat.DenseCopyOf(m.values)
	for i, v := range out.RawMatrix().Data {
		if math.IsNaN(v) {
			out.RawMatrix().Data[i] = mean
		}
	}
	return out
}
