package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// realData is a microarray of Desulfovibrio vulgaris with empty cells, or where
// the data are not there a made-up one of the same kind.
func realData(t testing.TB) string {
	packed, err := os.ReadFile("../../../shared/data/expression/dvh-microarray.tsv.gz")
	if errors.Is(err, os.ErrNotExist) {
		return madeUp(400, 11)
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func madeUp(rows, cols int) string {
	random := rand.New(rand.NewPCG(1, 2))
	var out strings.Builder
	out.WriteString("feature_id")
	for c := range cols {
		fmt.Fprintf(&out, "\tc%d", c)
	}
	for r := range rows {
		fmt.Fprintf(&out, "\nf%d", r)
		for c := range cols {
			if random.IntN(20) == 0 {
				out.WriteString("\t")
				continue
			}
			fmt.Fprintf(&out, "\t%.5f", 2*math.Sin(float64(c*(1+r%5)))+random.NormFloat64())
		}
	}
	return out.String() + "\n"
}

// plain is a matrix as the tests read it: nil is a missing value.
func plain(t testing.TB, text string) (rows, cols []string, values [][]*float64) {
	t.Helper()
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	cols = strings.Split(lines[0], "\t")[1:]
	for _, line := range lines[1:] {
		cells := strings.Split(line, "\t")
		rows = append(rows, cells[0])
		row := make([]*float64, len(cols))
		for i, cell := range cells[1:] {
			if cell != "" {
				v, err := strconv.ParseFloat(cell, 64)
				if err != nil {
					t.Fatal(err)
				}
				row[i] = &v
			}
		}
		values = append(values, row)
	}
	return rows, cols, values
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) }

// same compares a number that may be null.
func same(got any, want float64) bool {
	v, ok := got.(float64)
	return ok && near(v, want) || got == nil && math.IsNaN(want)
}

// oneRow computes statistics exactly, from sums of powers.
func oneRow(row []*float64) (avg, least, most, std float64, missing int) {
	n, sum, squares := new(big.Rat), new(big.Rat), new(big.Rat)
	avg, std, least, most = math.NaN(), math.NaN(), math.NaN(), math.NaN()
	for _, v := range row {
		if v == nil {
			missing++
			continue
		}
		x := new(big.Rat).SetFloat64(*v)
		n.Add(n, big.NewRat(1, 1))
		sum.Add(sum, x)
		squares.Add(squares, x.Mul(x, x))
		if !(least <= *v) {
			least = *v
		}
		if !(most >= *v) {
			most = *v
		}
	}
	if n.Sign() > 0 {
		avg, _ = new(big.Rat).Quo(sum, n).Float64()
	}
	if less := new(big.Rat).Sub(n, big.NewRat(1, 1)); less.Sign() > 0 {
		squares.Sub(squares, sum.Mul(sum, sum).Quo(sum, n))
		variance, _ := squares.Quo(squares, less).Float64()
		std = math.Sqrt(variance)
	}
	return avg, least, most, std, missing
}
