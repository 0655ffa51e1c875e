package main

import (
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dynsvc/dynsvc/sdk"
	"github.com/dynsvc/dynsvc/sdk/sdktest"
)

func TestParseTSV(t *testing.T) {
	m, err := parseTSV(strings.NewReader("id\tc 1\tc2\r\n\r\na\t1\t\r\nb\tNA\t-2.5e1\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(m.rows.ids, " ") + "; " + strings.Join(m.cols.ids, "|"); got != "a b; c 1|c2" {
		t.Error(got)
	}
	if m.values.At(0, 0) != 1 || !math.IsNaN(m.values.At(0, 1)) || !math.IsNaN(m.values.At(1, 0)) || m.values.At(1, 1) != -25 {
		t.Error(m.values)
	}
}

func TestFaultyMatrices(t *testing.T) {
	tests := []struct{ name, tsv, want string }{
		{"nothing", "\n", "the matrix is empty"},
		{"no rows", "id\ta\tb\n", "the matrix is empty"},
		{"no columns", "id\na\n", "the matrix is empty"},
		{"too few", "id\ta\tb\nx\t1\n", "line 2 of the matrix has 1 values, and there are 2 columns"},
		{"too many", "id\ta\nx\t1\t2\n", "line 2 of the matrix has 2 values"},
		{"no number", "id\ta\tb\nx\t1\t2\ny\t1\ttwo\n", `line 3 of the matrix, column 2: "two" is no number`},
		{"infinite", "id\ta\nx\tInf\n", "is no number"},
		{"row twice", "id\ta\nx\t1\nx\t2\n", `rows 0 and 1 have the same name "x"`},
		{"column twice", "id\ta\ta\nx\t1\t2\n", `columns 0 and 1 have the same name "a"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := sdktest.Call[matrixDescriptor](t.Context(), newModule(new(service)), "get_matrix_descriptor", map[string]any{"matrix_tsv": tt.tsv})
			var told *sdk.Error
			if !errors.As(err, &told) || told.Code != sdk.CodeParams || !strings.Contains(told.Message, tt.want) {
				t.Errorf("err = %v, want %s", err, tt.want)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	s := new(service)
	if err := s.load(os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	got, err := sdktest.Call[matrixDescriptor](t.Context(), newModule(s), "get_matrix_descriptor", map[string]any{"input_data": "example"})
	if want := (matrixDescriptor{ID: "example", Name: "example", Rows: 30, Columns: 8}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := sdktest.Call[matrixDescriptor](t.Context(), newModule(s), "get_matrix_descriptor", map[string]any{"input_data": "other"}); err == nil || !strings.Contains(err.Error(), "there is example") {
		t.Errorf("err = %v", err)
	}
	broken := fstest.MapFS{"matrices/a.tsv": {Data: []byte("id\ta\nx\tone\n")}}
	if err := s.load(broken); err == nil || !strings.HasPrefix(err.Error(), "load matrices/a.tsv: line 2") {
		t.Errorf("err = %v", err)
	}
	if err := s.load(fstest.MapFS{}); err != nil || len(s.matrices) != 0 {
		t.Errorf("without the folder: %v", err)
	}
}

func FuzzParseTSV(f *testing.F) {
	f.Add("id\ta\tb\nx\t1\t\ny\tNA\t2e3\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseTSV(strings.NewReader(text))
		if err != nil {
			return
		}
		if r, c := m.values.Dims(); r != len(m.rows.ids) || c != len(m.cols.ids) {
			t.Fatalf("%d × %d values for %d rows and %d columns", r, c, len(m.rows.ids), len(m.cols.ids))
		}
	})
}
