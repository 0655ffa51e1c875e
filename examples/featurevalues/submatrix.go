package main

import "context"

type submatrixParams struct {
	descriptorParams
	Rows    []int    `json:"row_indeces"`
	RowIDs  []string `json:"row_ids"`
	Cols    []int    `json:"column_indeces"`
	ColIDs  []string `json:"column_ids"`
	RowStat flag     `json:"fl_row_set_stats"`
	ColStat flag     `json:"fl_column_set_stat"`
	AllRows flag     `json:"fl_mtx_row_set_stat"`
	AllCols flag     `json:"fl_mtx_column_set_stat"`
	RowPair flag     `json:"fl_row_pairwise_correlation"`
	ColPair flag     `json:"fl_column_pairwise_correlation"`
	Values  flag     `json:"fl_values"`
}

type submatrixStat struct {
	Matrix  matrixDescriptor    `json:"mtx_descriptor"`
	Rows    []itemDescriptor    `json:"row_descriptors"`
	Cols    []itemDescriptor    `json:"column_descriptors"`
	RowStat *itemSetStat        `json:"row_set_stats,omitempty"`
	ColStat *itemSetStat        `json:"column_set_stat,omitempty"`
	AllRows *itemSetStat        `json:"mtx_row_set_stat,omitempty"`
	AllCols *itemSetStat        `json:"mtx_column_set_stat,omitempty"`
	RowPair *pairwiseComparison `json:"row_pairwise_correlation,omitempty"`
	ColPair *pairwiseComparison `json:"column_pairwise_correlation,omitempty"`
	Values  [][]number          `json:"values,omitempty"`
}

func (s *service) submatrixStat(ctx context.Context, p submatrixParams) (submatrixStat, error) {
	m, err := s.matrix(p.InputData, p.TSV)
	if err != nil {
		return submatrixStat{}, err
	}
	rows, cols, err := m.chooseBoth(p.Rows, p.RowIDs, p.Cols, p.ColIDs)
	if err != nil {
		return submatrixStat{}, err
	}
	allRows, allCols, err := m.chooseBoth(nil, nil, nil, nil)
	if err != nil {
		return submatrixStat{}, err
	}
	turned := m.values.T() // columns are its rows
	out := submatrixStat{Matrix: m.descriptor(), Rows: m.rows.describe(rows), Cols: m.cols.describe(cols)}
	if p.RowStat == 1 {
		out.RowStat = describeSet(m.values, rows, cols)
	}
	if p.ColStat == 1 {
		out.ColStat = describeSet(turned, cols, rows)
	}
	if p.AllRows == 1 {
		out.AllRows = describeSet(m.values, rows, allCols)
	}
	if p.AllCols == 1 {
		out.AllCols = describeSet(turned, cols, allRows)
	}
	if p.RowPair == 1 {
		if out.RowPair, err = compare(ctx, m.values, rows, cols); err != nil {
			return submatrixStat{}, err
		}
	}
	if p.ColPair == 1 {
		if out.ColPair, err = compare(ctx, turned, cols, rows); err != nil {
			return submatrixStat{}, err
		}
	}
	if p.Values == 1 {
		for _, row := range rows {
			line := make([]number, len(cols))
			for i, col := range cols {
				line[i] = number(m.values.At(row, col))
			}
			out.Values = append(out.Values, line)
		}
	}
	return out, nil
}
