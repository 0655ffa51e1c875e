package main

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/dynsvc/dynsvc/sdk"
)

type hierarchicalParams struct {
	descriptorParams
	Metric          string   `json:"distance_metric"`
	Linkage         string   `json:"linkage_criteria"`
	FeatureCutoff   *float64 `json:"feature_height_cutoff"`
	ConditionCutoff *float64 `json:"condition_height_cutoff"`
	MaxItems        int      `json:"max_items"`
}

var metrics = map[string]func(a, b []float64) float64{"": unlike, "correlation": unlike, "euclidean": euclidean}

// linkages tell how far a cluster is from one that was joined of two, by its
// distances from those and their sizes.
var linkages = map[string]func(a, b, sizeA, sizeB float64) float64{
	"":         func(a, b, _, _ float64) float64 { return max(a, b) },
	"complete": func(a, b, _, _ float64) float64 { return max(a, b) },
	"single":   func(a, b, _, _ float64) float64 { return min(a, b) },
	"average":  func(a, b, n, m float64) float64 { return (a*n + b*m) / (n + m) },
}

func (s *service) clusterHierarchical(ctx context.Context, p hierarchicalParams) (featureClusters, error) {
	m, err := s.matrix(p.InputData, p.TSV)
	if err != nil {
		return featureClusters{}, err
	}
	metric, linkage := metrics[p.Metric], linkages[p.Linkage]
	switch {
	case metric == nil:
		return featureClusters{}, invalid("distance_metric is %q: there are correlation and euclidean", p.Metric)
	case linkage == nil:
		return featureClusters{}, invalid("linkage_criteria is %q: there are complete, average and single", p.Linkage)
	case p.MaxItems < 0 || p.MaxItems > maxItems:
		return featureClusters{}, invalid("max_items must be 0 to %d", maxItems)
	case len(m.cols.ids) > maxItems:
		return featureClusters{}, invalid("the matrix has %d conditions, and at most %d can be clustered", len(m.cols.ids), maxItems)
	}
	out := featureClusters{Original: m.name}
	values := m.filled()
	rows := mostVariable(values, orDefault(p.MaxItems, 3000))
	out.FeatureTree, err = grow(ctx, values, rows, metric, linkage, func(f float64) { sdk.Progress(ctx, 0.9*f, "joining features") })
	if err != nil {
		return featureClusters{}, err
	}
	turned := mat.DenseCopyOf(values.T())
	cols, err := m.cols.choose(nil, nil)
	if err != nil {
		return featureClusters{}, err
	}
	out.ConditionTree, err = grow(ctx, turned, cols, metric, linkage, func(f float64) { sdk.Progress(ctx, 0.9+0.1*f, "joining conditions") })
	if err != nil {
		return featureClusters{}, err
	}
	return m.cut(out, p.FeatureCutoff, p.ConditionCutoff)
}

// mostVariable returns the rows with the largest variance, in their order.
func mostVariable(values *mat.Dense, n int) []int {
	count, _ := values.Dims()
	rows := make([]int, count)
	variance := make([]float64, count)
	for i := range rows {
		rows[i] = i
		variance[i] = stat.Variance(values.RawRowView(i), nil)
	}
	if count > n {
		slices.SortStableFunc(rows, func(a, b int) int {
			switch {
			case variance[a] > variance[b]:
				return -1
			case variance[a] < variance[b]:
				return 1
			}
			return 0
		})
		rows = rows[:n]
		slices.Sort(rows)
	}
	return rows
}

// grow joins rows to a tree and writes it down.
func grow(ctx context.Context, values *mat.Dense, rows []int, metric func(a, b []float64) float64, linkage func(a, b, n, m float64) float64, progress func(float64)) (string, error) {
	if len(rows) < 2 {
		return "", nil
	}
	_, width := values.Dims()
	part := mat.NewDense(len(rows), width, nil)
	for i, row := range rows {
		part.SetRow(i, values.RawRowView(row))
	}
	root, err := join(ctx, distances(part, metric), linkage, progress)
	if err != nil {
		return "", err
	}
	return root.newick(rows), nil
}

// join joins clusters, always two that are each other's nearest, until one is
// left. It follows a chain from neighbor to nearer neighbor, which takes n² steps;
// that it finds pairs in another order than that of their distances makes no
// difference for the linkages there are. It changes the distances.
func join(ctx context.Context, between *triangle, linkage func(a, b, n, m float64) float64, progress func(float64)) (*node, error) {
	n := between.n
	clusters := make([]*node, n) // nil: joined to another
	for i := range clusters {
		clusters[i] = &node{leaf: i, size: 1}
	}
	var chain []int
	for joined := 0; joined < n-1; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(chain) == 0 {
			chain = append(chain, slices.IndexFunc(clusters, func(c *node) bool { return c != nil }))
		}
		last := chain[len(chain)-1]
		near, least := -1, math.Inf(1)
		if len(chain) > 1 { // of two that are as near, the one it came from, or it would never end
			near = chain[len(chain)-2]
			least = between.at(last, near)
		}
		for i, c := range clusters {
			if c != nil && i != last {
				if d := between.at(last, i); d < least || near < 0 {
					near, least = i, d
				}
			}
		}
		if len(chain) < 2 || near != chain[len(chain)-2] {
			chain = append(chain, near)
			continue
		}
		chain = chain[:len(chain)-2]
		a, b := min(last, near), max(last, near)
		for i, c := range clusters {
			if c != nil && i != a && i != b {
				between.set(a, i, linkage(between.at(a, i), between.at(b, i), float64(clusters[a].size), float64(clusters[b].size)))
			}
		}
		clusters[a] = &node{left: clusters[a], right: clusters[b], height: least, size: clusters[a].size + clusters[b].size}
		clusters[b] = nil
		joined++
		progress(float64(joined) / float64(n-1))
	}
	return clusters[slices.IndexFunc(clusters, func(c *node) bool { return c != nil })], nil
}
