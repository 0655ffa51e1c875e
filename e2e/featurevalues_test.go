//go:build e2e

package e2e

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/service"
)

// TestFeatureValuesOnTheCluster builds and registers the Go example and calls it
// with a real matrix that misses values. What it says of every row is computed
// here once more, in another way.
func TestFeatureValuesOnTheCluster(t *testing.T) {
	t.Parallel()
	a := newAgent(t, plain)
	v := a.registerDir("../examples/featurevalues", "-tag", service.Release)
	text := expression(t)
	names, rows := parsed(t, text)

	var stats [][]rowStat
	a.result(v, "get_matrix_rows_stat", map[string]any{"matrix_tsv": text}, &stats)
	if len(stats) != 1 || len(stats[0]) != len(rows) {
		t.Fatalf("%d rows came back, want %d", len(stats[0]), len(rows))
	}
	missing := 0
	for i, got := range stats[0] {
		want := rowStatOf(i, rows[i])
		missing += want.Missing
		if got.Index != want.Index || got.Size != want.Size || got.Missing != want.Missing ||
			!alike(got.Avg, want.Avg) || !alike(got.Min, want.Min) || !alike(got.Max, want.Max) || !alike(got.Std, want.Std) {
			t.Fatalf("row %s: %s, want %s", names[i], got, want)
		}
	}
	t.Logf("%d rows of %d values, %d of them missing", len(rows), len(rows[0]), missing)

	var clusters []struct {
		Feature []struct {
			Members map[string]int `json:"id_to_pos"`
		} `json:"feature_clusters"`
	}
	const k = 5
	a.result(v, "cluster_k_means", map[string]any{"matrix_tsv": text, "k": k, "random_seed": 1, "n_start": 2}, &clusters)
	if len(clusters) != 1 || len(clusters[0].Feature) != k {
		t.Fatalf("%d results, want one of %d clusters", len(clusters), k)
	}
	of := map[string]int{}
	for i, c := range clusters[0].Feature {
		for name, at := range c.Members {
			if _, twice := of[name]; twice || names[at] != name {
				t.Fatalf("feature %s at %d is in two clusters, or is %s", name, at, names[at])
			}
			of[name] = i
		}
	}
	if len(of) != len(names) {
		t.Errorf("%d features are in clusters, want all %d", len(of), len(names))
	}
}

// result calls a method and decodes what it gives.
func (a *agent) result(v service.Version, method string, param any, into any) {
	a.t.Helper()
	r, err := a.post(a.t.Context(), v, method, param)
	if err := r.good(err); err != nil {
		a.t.Fatal(err)
	}
	if err := json.Unmarshal(r.body, &struct{ Result any }{into}); err != nil {
		a.t.Fatalf("%s answered %.300s: %v", method, r.body, err)
	}
}

// rowStat is what the service says of a row; nil: cannot be computed.
type rowStat struct {
	Index   int      `json:"index_for"`
	Size    int      `json:"size"`
	Avg     *float64 `json:"avg"`
	Min     *float64 `json:"min"`
	Max     *float64 `json:"max"`
	Std     *float64 `json:"std"`
	Missing int      `json:"missing_values"`
}

func (s rowStat) String() string {
	text, err := json.Marshal(s)
	return fmt.Sprint(string(text), err)
}

// rowStatOf sums up in one pass, by Welford's way.
func rowStatOf(index int, row []float64) rowStat {
	s := rowStat{Index: index, Size: len(row)}
	n, mean, squares, least, most := 0.0, 0.0, 0.0, math.Inf(1), math.Inf(-1)
	for _, x := range row {
		if math.IsNaN(x) {
			s.Missing++
			continue
		}
		n++
		d := x - mean
		mean += d / n
		squares += d * (x - mean)
		least, most = min(least, x), max(most, x)
	}
	if n > 0 {
		s.Avg, s.Min, s.Max = &mean, &least, &most
	}
	if n > 1 {
		s.Std = new(math.Sqrt(squares / (n - 1)))
	}
	return s
}

func alike(a, b *float64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return math.Abs(*a-*b) <= 1e-9*max(1, math.Abs(*a), math.Abs(*b))
}

// parsed reads the matrix again; a missing value is NaN.
func parsed(t *testing.T, text string) (names []string, rows [][]float64) {
	t.Helper()
	for i, line := range strings.Split(strings.TrimRight(text, "\r\n"), "\n") {
		cells := strings.Split(strings.TrimRight(line, "\r"), "\t")
		if i == 0 {
			continue
		}
		row := make([]float64, 0, len(cells)-1)
		for _, cell := range cells[1:] {
			x, err := strconv.ParseFloat(strings.TrimSpace(cell), 64)
			if err != nil {
				x = math.NaN()
			}
			row = append(row, x)
		}
		names, rows = append(names, cells[0]), append(rows, row)
	}
	return names, rows
}

// expression is a microarray of Desulfovibrio vulgaris, where it is beside the
// project, and else made up, with values missing.
func expression(t *testing.T) string {
	t.Helper()
	f, err := os.Open("../../shared/data/expression/dvh-microarray.tsv.gz")
	if errors.Is(err, fs.ErrNotExist) {
		t.Log("the microarray is not there; a matrix is made up")
		return madeUpMatrix()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // read only
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if _, err := bufio.NewReader(zip).WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func madeUpMatrix() string {
	var b strings.Builder
	rng := rand.New(rand.NewPCG(3, 4))
	b.WriteString("feature_id\tc1\tc2\tc3\tc4\tc5\tc6\n")
	for i := range 2000 {
		fmt.Fprintf(&b, "f%d", i)
		for range 6 {
			b.WriteByte('\t')
			if rng.IntN(20) > 0 {
				fmt.Fprintf(&b, "%.3f", float64(i%5)+rng.NormFloat64())
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
