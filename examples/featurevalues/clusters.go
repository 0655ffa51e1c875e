package main

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

type (
	labeledCluster struct {
		Positions map[string]int `json:"id_to_pos"`
		MeanCor   *float64       `json:"meancor,omitempty"`
		MSEC      *float64       `json:"msec,omitempty"`
	}
	featureClusters struct {
		Features      []labeledCluster `json:"feature_clusters"`
		Conditions    []labeledCluster `json:"condition_clusters,omitempty"`
		FeatureTree   string           `json:"feature_dendrogram,omitempty"`
		ConditionTree string           `json:"condition_dendrogram,omitempty"`
		Original      string           `json:"original_data,omitempty"`
	}
)

type fromDendrogramParams struct {
	FeatureCutoff   *float64        `json:"feature_height_cutoff"`
	ConditionCutoff *float64        `json:"condition_height_cutoff"`
	Clusters        featureClusters `json:"input_clusters"`
	TSV             string          `json:"matrix_tsv"`
}

func (s *service) clustersFromDendrogram(_ context.Context, p fromDendrogramParams) (featureClusters, error) {
	if p.TSV != "" {
		p.Clusters.Original = "" // of another service, perhaps
	}
	m, err := s.matrix(p.Clusters.Original, p.TSV)
	if err != nil {
		return featureClusters{}, err
	}
	if p.Clusters.FeatureTree == "" {
		return featureClusters{}, invalid("input_clusters has no feature_dendrogram: cluster_hierarchical makes one")
	}
	return m.cut(p.Clusters, p.FeatureCutoff, p.ConditionCutoff)
}

// cut replaces clusters by those of the trees.
func (m *matrix) cut(fc featureClusters, feature, condition *float64) (featureClusters, error) {
	var err error
	if fc.Features, err = cutTree(fc.FeatureTree, feature, m.values, m.rows); err != nil {
		return featureClusters{}, err
	}
	fc.Conditions, err = cutTree(fc.ConditionTree, condition, m.values.T(), m.cols)
	return fc, err
}

func cutTree(tree string, cutoff *float64, values mat.Matrix, it items) ([]labeledCluster, error) {
	height := 0.5
	if cutoff != nil {
		height = *cutoff
	}
	if height < 0 || height > 1 {
		return nil, invalid("a height cutoff is %g: it must be 0 to 1", height)
	}
	if tree == "" {
		return []labeledCluster{}, nil
	}
	root, err := parseNewick(tree, len(it.ids))
	if err != nil {
		return nil, err
	}
	const rounding = 1e-9 // of lengths that were written and added up
	return label(values, it, root.cut(height+rounding)), nil
}

// groups returns the rows of each label.
func groups(labels []int) [][]int {
	out := make([][]int, slices.Max(labels)+1)
	for i, l := range labels {
		out[l] = append(out[l], i)
	}
	return slices.DeleteFunc(out, func(g []int) bool { return len(g) == 0 })
}

// label describes clusters, in the order of their first rows.
func label(values mat.Matrix, it items, groups [][]int) []labeledCluster {
	for _, g := range groups {
		slices.Sort(g)
	}
	slices.SortFunc(groups, func(a, b []int) int { return a[0] - b[0] })
	out := make([]labeledCluster, len(groups))
	for i, g := range groups {
		out[i].Positions = make(map[string]int, len(g))
		for _, row := range g {
			out[i].Positions[it.ids[row]] = row
		}
		out[i].MeanCor = known(meanCorrelation(values, g))
		out[i].MSEC = known(spread(values, g))
	}
	return out
}

func known(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

// maxCorrelated bounds the rows of which each two are correlated.
const maxCorrelated = 1000

// meanCorrelation is the mean of the correlations of each two rows; of clusters
// beyond maxCorrelated, of that many rows with equal steps between them.
func meanCorrelation(values mat.Matrix, rows []int) float64 {
	if len(rows) > maxCorrelated {
		some := make([]int, maxCorrelated)
		for i := range some {
			some[i] = rows[i*len(rows)/maxCorrelated]
		}
		rows = some
	}
	_, width := values.Dims()
	cols := make([]int, width)
	for i := range cols {
		cols[i] = i
	}
	var all []float64
	for i := range rows {
		for j := range i {
			if r := correlation(values, rows[i], rows[j], cols); !math.IsNaN(r) {
				all = append(all, r)
			}
		}
	}
	if len(all) == 0 {
		return math.NaN()
	}
	return stat.Mean(all, nil)
}

// spread is the mean squared distance of values from the mean of their column,
// in parts of that from the mean of all.
func spread(values mat.Matrix, rows []int) float64 {
	if len(rows) < 2 {
		return math.NaN()
	}
	_, width := values.Dims()
	turned := values.T()
	var all, fromColumn []float64
	for col := range width {
		have := present(turned, col, rows)
		if len(have) == 0 {
			continue
		}
		all = append(all, have...)
		mean := stat.Mean(have, nil)
		for _, v := range have {
			fromColumn = append(fromColumn, (v-mean)*(v-mean))
		}
	}
	if len(all) == 0 {
		return math.NaN()
	}
	total := stat.PopVariance(all, nil)
	if total == 0 {
		return math.NaN()
	}
	return floats.Sum(fromColumn) / float64(len(fromColumn)) / total
}
