package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/dynsvc/dynsvc/sdk"
)

type estimateParams struct {
	InputMatrix string `json:"input_matrix"`
	TSV         string `json:"matrix_tsv"`
	MinK        int    `json:"min_k"`
	MaxK        int    `json:"max_k"`
	MaxIter     int    `json:"max_iter"`
	Seed        int64  `json:"random_seed"`
	MaxItems    int    `json:"max_items"`
}

type estimateResult struct {
	BestK int        `json:"best_k"`
	Sizes []estimate `json:"estimate_cluster_sizes"`
}

// estimate is a tuple<int, float>: a number of clusters and its silhouette.
type estimate struct {
	k     int
	width float64
}

func (e estimate) MarshalJSON() ([]byte, error)  { return sdk.EncodeTuple(e.k, e.width) }
func (e *estimate) UnmarshalJSON(b []byte) error { return sdk.DecodeTuple(b, &e.k, &e.width) }

func (s *service) estimateK(ctx context.Context, p estimateParams) (estimateResult, error) {
	m, err := s.matrix(p.InputMatrix, p.TSV)
	if err != nil {
		return estimateResult{}, err
	}
	if p.MaxItems < 0 || p.MaxItems > maxItems || p.MaxIter < 0 {
		return estimateResult{}, invalid("max_items must be 0 to %d, and max_iter 0 or more", maxItems)
	}
	values := sample(m.filled(), orDefault(p.MaxItems, 1000), p.Seed)
	n, _ := values.Dims()
	least, most := orDefault(p.MinK, 2), min(orDefault(p.MaxK, 20), n-1)
	if least < 2 || most < least {
		return estimateResult{}, invalid("min_k is %d and max_k is %d: they must be from 2 to one less than the features, of which %d are used, and in this order", least, orDefault(p.MaxK, 20), n)
	}
	between := distances(values, euclidean)
	best, result := math.Inf(-1), estimateResult{Sizes: []estimate{}}
	for k := least; k <= most; k++ {
		sdk.Progress(ctx, float64(k-least)/float64(most-least+1), fmt.Sprintf("%d clusters, up to %d", k, most))
		km := kMeans{values: values, k: k, starts: 5, maxIter: orDefault(p.MaxIter, 100), seed: p.Seed}
		labels, err := km.run(ctx, func(int) {})
		if err != nil {
			return estimateResult{}, err
		}
		width := silhouette(between, labels, k)
		result.Sizes = append(result.Sizes, estimate{k, width})
		if width > best {
			best, result.BestK = width, k
		}
	}
	return result, nil
}

// sample draws rows, and leaves them in their order.
func sample(values *mat.Dense, n int, seed int64) *mat.Dense {
	rows, cols := values.Dims()
	if rows <= n {
		return values
	}
	chosen := rand.New(rand.NewPCG(uint64(seed), math.MaxUint64)).Perm(rows)[:n]
	slices.Sort(chosen)
	out := mat.NewDense(n, cols, nil)
	for i, row := range chosen {
		out.SetRow(i, values.RawRowView(row))
	}
	return out
}

// silhouette returns the mean width: how much nearer the rows are to their own
// cluster than to the next one, from -1 to 1. A row alone counts 0.
func silhouette(between *triangle, labels []int, k int) float64 {
	counts := make([]float64, k)
	for _, l := range labels {
		counts[l]++
	}
	widths := make([]float64, len(labels))
	sums := make([]float64, k)
	for i, own := range labels {
		if counts[own] < 2 {
			continue
		}
		clear(sums)
		for j, l := range labels {
			if i != j {
				sums[l] += between.at(i, j)
			}
		}
		inside, outside := sums[own]/(counts[own]-1), math.Inf(1)
		for l, sum := range sums {
			if l != own && counts[l] > 0 {
				outside = min(outside, sum/counts[l])
			}
		}
		if larger := max(inside, outside); larger > 0 && !math.IsInf(outside, 1) {
			widths[i] = (outside - inside) / larger
		}
	}
	return floats.Sum(widths) / float64(len(widths))
}
