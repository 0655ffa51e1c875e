package main

import (
	"context"
	"encoding/json"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// number is a value that may be missing: NaN here, null in JSON.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// flag is 0 or 1.
type flag int

type (
	matrixDescriptor struct {
		ID               string `json:"matrix_id"`
		Name             string `json:"matrix_name"`
		Description      string `json:"matrix_description"`
		GenomeID         string `json:"genome_id"`
		GenomeName       string `json:"genome_name"`
		Rows             int    `json:"rows_count"`
		Columns          int    `json:"columns_count"`
		Scale            string `json:"scale"`
		Type             string `json:"type"`
		RowNormalization string `json:"row_normalization"`
		ColNormalization string `json:"col_normalization"`
	}
	itemDescriptor struct {
		Index       int               `json:"index"`
		ID          string            `json:"id"`
		Name        string            `json:"name"`
		Description string            `json:"description"`
		Properties  map[string]string `json:"properties"`
	}
	itemStat struct {
		For     int    `json:"index_for"`
		On      []int  `json:"indeces_on,omitempty"`
		Size    int    `json:"size"`
		Avg     number `json:"avg"`
		Min     number `json:"min"`
		Max     number `json:"max"`
		Std     number `json:"std"`
		Missing int    `json:"missing_values"`
	}
	itemSetStat struct {
		For     []int    `json:"indeces_for,omitempty"`
		On      []int    `json:"indeces_on,omitempty"`
		Size    int      `json:"size"`
		Avgs    []number `json:"avgs,omitempty"`
		Mins    []number `json:"mins,omitempty"`
		Maxs    []number `json:"maxs,omitempty"`
		Stds    []number `json:"stds,omitempty"`
		Missing []int    `json:"missing_values,omitempty"`
	}
	pairwiseComparison struct {
		Indices []int      `json:"indeces"`
		Values  [][]number `json:"comparison_values"`
		Avgs    []number   `json:"avgs"`
		Mins    []number   `json:"mins"`
		Maxs    []number   `json:"maxs"`
		Stds    []number   `json:"stds"`
	}
)

type descriptorParams struct {
	InputData string `json:"input_data"`
	TSV       string `json:"matrix_tsv"`
}

func (s *service) matrixDescriptor(_ context.Context, p descriptorParams) (matrixDescriptor, error) {
	m, err := s.matrix(p.InputData, p.TSV)
	if err != nil {
		return matrixDescriptor{}, err
	}
	return m.descriptor(), nil
}

func (m *matrix) descriptor() matrixDescriptor {
	return matrixDescriptor{ID: m.name, Name: m.name, Rows: len(m.rows.ids), Columns: len(m.cols.ids)}
}

type itemsParams struct {
	descriptorParams
	Indices []int    `json:"item_indeces"`
	IDs     []string `json:"item_ids"`
}

func (s *service) rowDescriptors(_ context.Context, p itemsParams) ([]itemDescriptor, error) {
	m, err := s.matrix(p.InputData, p.TSV)
	if err != nil {
		return nil, err
	}
	rows, err := m.rows.choose(p.Indices, p.IDs)
	if err != nil {
		return nil, err
	}
	return m.rows.describe(rows), nil
}

func (it items) describe(indices []int) []itemDescriptor {
	out := make([]itemDescriptor, len(indices))
	for i, at := range indices {
		out[i] = itemDescriptor{Index: at, ID: it.ids[at], Name: it.ids[at], Properties: map[string]string{}}
	}
	return out
}

type rowsStatParams struct {
	descriptorParams
	For    []int `json:"item_indeces_for"`
	On     []int `json:"item_indeces_on"`
	ShowOn flag  `json:"fl_indeces_on"`
}

func (s *service) rowsStat(_ context.Context, p rowsStatParams) ([]itemStat, error) {
	m, err := s.matrix(p.InputData, p.TSV)
	if err != nil {
		return nil, err
	}
	rows, cols, err := m.chooseBoth(p.For, nil, p.On, nil)
	if err != nil {
		return nil, err
	}
	out := make([]itemStat, len(rows))
	for i, row := range rows {
		out[i] = describe(m.values, row, cols)
		if p.ShowOn == 1 {
			out[i].On = cols
		}
	}
	return out, nil
}

func (m *matrix) chooseBoth(rows []int, rowIDs []string, cols []int, colIDs []string) (_, _ []int, err error) {
	if rows, err = m.rows.choose(rows, rowIDs); err != nil {
		return nil, nil, err
	}
	cols, err = m.cols.choose(cols, colIDs)
	return rows, cols, err
}

// present returns the values of a row that are there.
func present(values mat.Matrix, row int, cols []int) []float64 {
	out := make([]float64, 0, len(cols))
	for _, col := range cols {
		if v := values.At(row, col); !math.IsNaN(v) {
			out = append(out, v)
		}
	}
	return out
}

// describe returns the statistics of one row.
func describe(values mat.Matrix, row int, cols []int) itemStat {
	have := present(values, row, cols)
	s := summary(have)
	s.For, s.Size, s.Missing = row, len(cols), len(cols)-len(have)
	return s
}

// summary has NaN for what cannot be computed.
func summary(values []float64) itemStat {
	nan := number(math.NaN())
	s := itemStat{Avg: nan, Min: nan, Max: nan, Std: nan}
	if len(values) > 0 {
		s.Avg, s.Min, s.Max = number(stat.Mean(values, nil)), number(floats.Min(values)), number(floats.Max(values))
	}
	if len(values) > 1 {
		s.Std = number(stat.StdDev(values, nil))
	}
	return s
}

type setStatParams struct {
	rowsStatParams
	ShowFor     flag `json:"fl_indeces_for"`
	ShowAvgs    flag `json:"fl_avgs"`
	ShowMins    flag `json:"fl_mins"`
	ShowMaxs    flag `json:"fl_maxs"`
	ShowStds    flag `json:"fl_stds"`
	ShowMissing flag `json:"fl_missing_values"`
}

type setsStatParams struct {
	Params []setStatParams `json:"params"`
}

func (s *service) rowSetsStat(_ context.Context, sets setsStatParams) ([]itemSetStat, error) {
	out := make([]itemSetStat, len(sets.Params))
	for i, p := range sets.Params {
		m, err := s.matrix(p.InputData, p.TSV)
		if err != nil {
			return nil, err
		}
		rows, cols, err := m.chooseBoth(p.For, nil, p.On, nil)
		if err != nil {
			return nil, err
		}
		all := describeSet(m.values, rows, cols)
		out[i] = itemSetStat{
			Size: all.Size, For: when(p.ShowFor, all.For), On: when(p.ShowOn, all.On), Avgs: when(p.ShowAvgs, all.Avgs),
			Mins: when(p.ShowMins, all.Mins), Maxs: when(p.ShowMaxs, all.Maxs), Stds: when(p.ShowStds, all.Stds),
			Missing: when(p.ShowMissing, all.Missing),
		}
	}
	return out, nil
}

func when[T any](f flag, list []T) []T {
	if f == 1 {
		return list
	}
	return nil
}

// describeSet returns the statistics of several rows.
func describeSet(values mat.Matrix, rows, cols []int) *itemSetStat {
	out := &itemSetStat{For: rows, On: cols, Size: len(cols)}
	for _, row := range rows {
		s := describe(values, row, cols)
		out.Avgs = append(out.Avgs, s.Avg)
		out.Mins = append(out.Mins, s.Min)
		out.Maxs = append(out.Maxs, s.Max)
		out.Stds = append(out.Stds, s.Std)
		out.Missing = append(out.Missing, s.Missing)
	}
	return out
}

// correlation is Pearson's, of the columns where both rows have a value; NaN
// where there are not two of them, or all are the same.
func correlation(values mat.Matrix, a, b int, cols []int) float64 {
	x, y := make([]float64, 0, len(cols)), make([]float64, 0, len(cols))
	for _, col := range cols {
		if v, w := values.At(a, col), values.At(b, col); !math.IsNaN(v) && !math.IsNaN(w) {
			x, y = append(x, v), append(y, w)
		}
	}
	return pearson(x, y)
}

// pearson is NaN where one of two does not vary at all: what rounding leaves of
// its deviation says nothing.
func pearson(x, y []float64) float64 {
	if len(x) < 2 || floats.Min(x) == floats.Max(x) || floats.Min(y) == floats.Max(y) {
		return math.NaN()
	}
	return stat.Correlation(x, y, nil)
}

// compare correlates each two rows.
func compare(ctx context.Context, values mat.Matrix, rows, cols []int) (*pairwiseComparison, error) {
	out := &pairwiseComparison{Indices: rows, Values: make([][]number, len(rows))}
	for i := range rows {
		out.Values[i] = make([]number, len(rows))
	}
	for i := range rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for j := range i {
			r := number(correlation(values, rows[i], rows[j], cols))
			out.Values[i][j], out.Values[j][i] = r, r
		}
	}
	for i := range rows {
		var others []float64
		for j, r := range out.Values[i] {
			if i != j && !math.IsNaN(float64(r)) {
				others = append(others, float64(r))
			}
		}
		s := summary(others)
		out.Avgs = append(out.Avgs, s.Avg)
		out.Mins = append(out.Mins, s.Min)
		out.Maxs = append(out.Maxs, s.Max)
		out.Stds = append(out.Stds, s.Std)
	}
	return out, nil
}
