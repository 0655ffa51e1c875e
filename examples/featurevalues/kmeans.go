package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/dynsvc/dynsvc/sdk"
)

type kMeansParams struct {
	descriptorParams
	K         int    `json:"k"`
	Starts    int    `json:"n_start"`
	MaxIter   int    `json:"max_iter"`
	Seed      int64  `json:"random_seed"`
	Algorithm string `json:"algorithm"`
}

func (s *service) clusterKMeans(ctx context.Context, p kMeansParams) (featureClusters, error) {
	m, err := s.matrix(p.InputData, p.TSV)
	if err != nil {
		return featureClusters{}, err
	}
	switch {
	case p.K < 1 || p.K > len(m.rows.ids):
		return featureClusters{}, invalid("k is %d, and the matrix has %d features: k must be 1 to %[2]d", p.K, len(m.rows.ids))
	case p.Algorithm != "" && p.Algorithm != "Lloyd":
		return featureClusters{}, invalid("algorithm is %q: there is Lloyd", p.Algorithm)
	case p.Starts < 0 || p.MaxIter < 0:
		return featureClusters{}, invalid("n_start and max_iter must be 0 or more")
	}
	km := kMeans{values: m.filled(), k: p.K, starts: orDefault(p.Starts, 10), maxIter: orDefault(p.MaxIter, 1000), seed: p.Seed}
	labels, err := km.run(ctx, func(start int) {
		sdk.Progress(ctx, float64(start)/float64(km.starts), fmt.Sprintf("start %d of %d", start+1, km.starts))
	})
	if err != nil {
		return featureClusters{}, err
	}
	return featureClusters{Features: label(m.values, m.rows, groups(labels)), Original: m.name}, nil
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// kMeans divides rows into clusters. The same seed gives the same clusters.
type kMeans struct {
	values          *mat.Dense
	k               int
	starts, maxIter int
	seed            int64
}

// run returns the label of each row, of the best of all starts.
func (km *kMeans) run(ctx context.Context, begin func(start int)) ([]int, error) {
	var best []int
	least := math.Inf(1)
	for start := range km.starts {
		begin(start)
		labels, cost, err := km.once(ctx, rand.New(rand.NewPCG(uint64(km.seed), uint64(start))))
		if err != nil {
			return nil, err
		}
		if cost < least {
			best, least = labels, cost
		}
	}
	return best, nil
}

// once moves centers until no row changes its cluster, which is Lloyd's way.
func (km *kMeans) once(ctx context.Context, random *rand.Rand) (labels []int, cost float64, _ error) {
	n, _ := km.values.Dims()
	centers := km.seeds(random)
	labels = make([]int, n)
	distances := make([]float64, n)
	for range km.maxIter {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		moved := false
		for i := range n {
			nearest, distance := nearest(km.values.RawRowView(i), centers)
			moved = moved || nearest != labels[i]
			labels[i], distances[i] = nearest, distance
		}
		cost = floats.Sum(distances)
		if km.center(centers, labels, distances); !moved {
			break
		}
	}
	return labels, cost, nil
}

// seeds draws the first centers: each row with the likelihood of its squared
// distance from those there are, so that they lie apart.
func (km *kMeans) seeds(random *rand.Rand) [][]float64 {
	n, _ := km.values.Dims()
	row := func(i int) []float64 { return append([]float64(nil), km.values.RawRowView(i)...) }
	centers := [][]float64{row(random.IntN(n))}
	distances := make([]float64, n)
	for i := range distances {
		distances[i] = math.Inf(1)
	}
	for len(centers) < km.k {
		for i := range n {
			_, d := nearest(km.values.RawRowView(i), centers[len(centers)-1:])
			distances[i] = min(distances[i], d)
		}
		at := random.Float64() * floats.Sum(distances)
		chosen := n - 1
		for i, d := range distances {
			if at -= d; at < 0 {
				chosen = i
				break
			}
		}
		centers = append(centers, row(chosen))
	}
	return centers
}

// center moves each center to the mean of its rows. One without rows takes the
// row that is farthest from its own.
func (km *kMeans) center(centers [][]float64, labels []int, distances []float64) {
	counts := make([]float64, len(centers))
	for _, c := range centers {
		clear(c)
	}
	for i, l := range labels {
		floats.Add(centers[l], km.values.RawRowView(i))
		counts[l]++
	}
	for l, c := range centers {
		if counts[l] > 0 {
			floats.Scale(1/counts[l], c)
			continue
		}
		far := floats.MaxIdx(distances)
		copy(c, km.values.RawRowView(far))
		distances[far] = 0
	}
}

// nearest returns the nearest center and its squared distance.
func nearest(row []float64, centers [][]float64) (int, float64) {
	best, least := 0, math.Inf(1)
	for l, c := range centers {
		var sum float64
		for i, v := range row {
			sum += (v - c[i]) * (v - c[i])
		}
		if sum < least {
			best, least = l, sum
		}
	}
	return best, least
}
