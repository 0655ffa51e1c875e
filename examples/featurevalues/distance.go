package main

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// maxItems bounds the matrices of distances: that of so many rows has 100 MB.
const maxItems = 5000

// triangle is a symmetric matrix without its diagonal.
type triangle struct {
	n      int
	values []float64 // row after row of the lower triangle
}

func newTriangle(n int) *triangle {
	return &triangle{n: n, values: make([]float64, n*(n-1)/2)}
}

func (t *triangle) index(i, j int) int {
	if i < j {
		i, j = j, i
	}
	return i*(i-1)/2 + j
}

func (t *triangle) at(i, j int) float64         { return t.values[t.index(i, j)] }
func (t *triangle) set(i, j int, value float64) { t.values[t.index(i, j)] = value }

// distances returns those of each two rows.
func distances(values *mat.Dense, metric func(a, b []float64) float64) *triangle {
	n, _ := values.Dims()
	t := newTriangle(n)
	for i := range n {
		for j := range i {
			t.set(i, j, metric(values.RawRowView(i), values.RawRowView(j)))
		}
	}
	return t
}

func euclidean(a, b []float64) float64 { return floats.Distance(a, b, 2) }

// unlike is 0 for rows that rise and fall together and 2 for the opposite; a row
// that does neither is 1 from all.
func unlike(a, b []float64) float64 {
	r := pearson(a, b)
	if math.IsNaN(r) {
		r = 0
	}
	return max(0, 1-r)
}
