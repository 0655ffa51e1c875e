package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/big"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/sdk"
	"github.com/dynsvc/dynsvc/sdk/sdktest"
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

func TestRowsStat(t *testing.T) {
	text := realData(t)
	rows, cols, values := plain(t, text)
	got, err := sdktest.Call[[]map[string]any](t.Context(), newModule(new(service)), "get_matrix_rows_stat", map[string]any{"matrix_tsv": text})
	if err != nil || len(got) != len(rows) {
		t.Fatalf("%d of %d rows, %v", len(got), len(rows), err)
	}
	empty := 0
	for i, s := range got {
		avg, least, most, std, missing := oneRow(values[i])
		empty += missing
		if s["index_for"] != float64(i) || s["size"] != float64(len(cols)) || s["missing_values"] != float64(missing) ||
			!same(s["avg"], avg) || !same(s["min"], least) || !same(s["max"], most) || !same(s["std"], std) {
			t.Errorf("%s: got %v, want %g %g %g %g %d", rows[i], s, avg, least, most, std, missing)
		}
	}
	if empty == 0 {
		t.Error("no cell is empty")
	}
}

func TestRowSetsStat(t *testing.T) {
	text := realData(t)
	_, _, values := plain(t, text)
	one := map[string]any{"matrix_tsv": text, "item_indeces_for": []int{3, 1}, "item_indeces_on": []int{0, 2, 5, 6}}
	for _, flag := range []string{"fl_avgs", "fl_mins", "fl_maxs", "fl_stds", "fl_missing_values", "fl_indeces_for", "fl_indeces_on"} {
		one[flag] = 1
	}
	two := map[string]any{"matrix_tsv": text, "item_indeces_for": []int{0}, "fl_avgs": 1}
	got, err := sdktest.Call[[]map[string]any](t.Context(), newModule(new(service)), "get_matrix_row_sets_stat", map[string]any{"params": []any{one, two}})
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	for i, row := range []int{3, 1} {
		part := []*float64{values[row][0], values[row][2], values[row][5], values[row][6]}
		avg, least, most, std, missing := oneRow(part)
		at := func(key string) any { return got[0][key].([]any)[i] }
		if !same(at("avgs"), avg) || !same(at("mins"), least) || !same(at("maxs"), most) || !same(at("stds"), std) ||
			at("missing_values") != float64(missing) || at("indeces_for") != float64(row) {
			t.Errorf("row %d: %v", row, got[0])
		}
	}
	if keys := slices.Sorted(maps.Keys(got[1])); !slices.Equal(keys, []string{"avgs", "size"}) {
		t.Errorf("without flags there is %v", keys)
	}
}

func TestSubmatrix(t *testing.T) {
	text := realData(t)
	rows, cols, values := plain(t, text)
	params := map[string]any{"matrix_tsv": text, "row_ids": rows[2:8], "column_indeces": []int{6, 0, 1, 3, 4}}
	for _, flag := range []string{"fl_row_set_stats", "fl_column_set_stat", "fl_mtx_row_set_stat", "fl_mtx_column_set_stat",
		"fl_row_pairwise_correlation", "fl_column_pairwise_correlation", "fl_values"} {
		params[flag] = 1
	}
	got, err := sdktest.Call[map[string]any](t.Context(), newModule(new(service)), "get_submatrix_stat", params)
	if err != nil {
		t.Fatal(err)
	}
	on := []int{6, 0, 1, 3, 4}
	list := func(keys ...string) []any {
		v := any(got)
		for _, key := range keys {
			v = v.(map[string]any)[key]
		}
		return v.([]any)
	}
	if d := list("column_descriptors")[0].(map[string]any); d["id"] != cols[6] || d["index"] != 6.0 {
		t.Error(d)
	}
	for i := range 6 {
		var part []*float64
		for k, c := range on {
			v := values[2+i][c]
			part = append(part, v)
			if value := list("values")[i].([]any)[k]; (v == nil) != (value == nil) || v != nil && value != *v {
				t.Errorf("value %d, %d is %v", i, k, value)
			}
		}
		avg, _, _, _, _ := oneRow(part)
		all, _, _, _, _ := oneRow(values[2+i])
		if !same(list("row_set_stats", "avgs")[i], avg) || !same(list("mtx_row_set_stat", "avgs")[i], all) {
			t.Errorf("row %d: means %v, want %g and %g", i, list("row_set_stats", "avgs")[i], avg, all)
		}
		for j := range 6 {
			want := 0.0
			if i != j {
				want = exactly(part, pick(values[2+j], on))
			}
			if r := list("row_pairwise_correlation", "comparison_values")[i].([]any)[j]; !same(r, want) {
				t.Errorf("correlation of rows %d and %d is %v, want %g", i, j, r, want)
			}
		}
	}
	column := func(c int) []*float64 {
		var out []*float64
		for r := 2; r < 8; r++ {
			out = append(out, values[r][c])
		}
		return out
	}
	if r, want := list("column_pairwise_correlation", "comparison_values")[0].([]any)[1], exactly(column(6), column(0)); !same(r, want) {
		t.Errorf("correlation of columns 6 and 0 is %v, want %g", r, want)
	}
}

func pick(row []*float64, cols []int) []*float64 {
	var out []*float64
	for _, c := range cols {
		out = append(out, row[c])
	}
	return out
}

// exactly is Pearson's correlation from exact sums.
func exactly(a, b []*float64) float64 {
	var n, x, y, xx, yy, xy big.Rat
	for i := range a {
		if a[i] == nil || b[i] == nil {
			continue
		}
		v, w := new(big.Rat).SetFloat64(*a[i]), new(big.Rat).SetFloat64(*b[i])
		n.Add(&n, big.NewRat(1, 1))
		x.Add(&x, v)
		y.Add(&y, w)
		xx.Add(&xx, new(big.Rat).Mul(v, v))
		yy.Add(&yy, new(big.Rat).Mul(w, w))
		xy.Add(&xy, new(big.Rat).Mul(v, w))
	}
	scaled := func(pq, p, q *big.Rat) float64 { // n·Σpq - Σp·Σq
		out, _ := new(big.Rat).Sub(new(big.Rat).Mul(&n, pq), new(big.Rat).Mul(p, q)).Float64()
		return out
	}
	return scaled(&xy, &x, &y) / math.Sqrt(scaled(&xx, &x, &x)*scaled(&yy, &y, &y))
}

func TestIndicesAreChecked(t *testing.T) {
	tsv := "id\ta\tb\nx\t1\t2\ny\t3\t4\n"
	tests := []struct {
		method string
		params map[string]any
		want   string
	}{
		{"get_matrix_row_descriptors", map[string]any{"item_indeces": []int{0, 2}}, "there is no row 2: they are 0 to 1"},
		{"get_matrix_row_descriptors", map[string]any{"item_ids": []string{"z"}}, "there is no row z"},
		{"get_matrix_rows_stat", map[string]any{"item_indeces_on": []int{-1}}, "there is no column -1"},
		{"get_submatrix_stat", map[string]any{"column_ids": []string{"c"}}, "there is no column c"},
		{"cluster_k_means", map[string]any{"k": 3}, "k must be 1 to 2"},
		{"cluster_k_means", map[string]any{"k": 2, "algorithm": "magic"}, "there is Lloyd"},
		{"cluster_k_means", map[string]any{"k": "2"}, "params.k of FeatureValues.cluster_k_means must be an integer"},
		{"estimate_k", map[string]any{"min_k": 5}, "min_k is 5"},
		{"cluster_hierarchical", map[string]any{"linkage_criteria": "magic"}, "there are complete, average and single"},
		{"cluster_hierarchical", map[string]any{"distance_metric": "magic"}, "there are correlation and euclidean"},
		{"cluster_hierarchical", map[string]any{"feature_height_cutoff": 2}, "it must be 0 to 1"},
		{"clusters_from_dendrogram", map[string]any{}, "has no feature_dendrogram"},
	}
	for _, tt := range tests {
		tt.params["matrix_tsv"] = tsv
		if _, err := sdktest.Call[any](t.Context(), newModule(new(service)), tt.method, tt.params); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: err = %v, want %s", tt.method, err, tt.want)
		}
	}
}

// example returns the matrix of three groups of ten.
func example(t *testing.T) *sdk.Module {
	t.Helper()
	s := new(service)
	if err := s.load(os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	return newModule(s)
}

// threeGroups fails the test unless the clusters are those of the example.
func threeGroups(t *testing.T, clusters []labeledCluster) {
	t.Helper()
	if len(clusters) != 3 {
		t.Fatalf("%d clusters, want 3", len(clusters))
	}
	for i, c := range clusters {
		got := slices.Sorted(maps.Values(c.Positions))
		if len(got) != 10 || got[0] != 10*i || got[9] != 10*i+9 || c.Positions[fmt.Sprintf("gene%02d", 10*i+1)] != 10*i {
			t.Errorf("cluster %d has %v", i, got)
		}
		if c.MeanCor == nil || *c.MeanCor < 0.8 || c.MSEC == nil || *c.MSEC > 0.2 {
			t.Errorf("cluster %d: meancor %v, msec %v", i, c.MeanCor, c.MSEC)
		}
	}
}

func TestKMeansFindsWhatIsThere(t *testing.T) {
	m := example(t)
	params := map[string]any{"input_data": "example", "k": 3, "random_seed": 5}
	first, err := sdktest.Call[featureClusters](t.Context(), m, "cluster_k_means", params)
	if err != nil {
		t.Fatal(err)
	}
	threeGroups(t, first.Features)
	again, err := sdktest.Call[featureClusters](t.Context(), m, "cluster_k_means", params)
	if a, b := fmt.Sprint(js(t, first)), fmt.Sprint(js(t, again)); err != nil || a != b {
		t.Errorf("the same seed gave %s and %s, %v", a, b, err)
	}
}

func js(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEstimateK(t *testing.T) {
	got, err := sdktest.Call[estimateResult](t.Context(), example(t), "estimate_k", map[string]any{"input_matrix": "example", "max_k": 8})
	if err != nil || got.BestK != 3 || len(got.Sizes) != 7 || got.Sizes[1].k != 3 || got.Sizes[1].width < 0.6 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestHierarchical(t *testing.T) {
	m := example(t)
	for _, linkage := range []string{"complete", "average", "single"} {
		got, err := sdktest.Call[featureClusters](t.Context(), m, "cluster_hierarchical", map[string]any{"input_data": "example", "linkage_criteria": linkage})
		if err != nil {
			t.Fatal(err)
		}
		again, err := sdktest.Call[featureClusters](t.Context(), m, "clusters_from_dendrogram", map[string]any{"input_clusters": got, "feature_height_cutoff": 0})
		if err != nil || len(again.Features) != 30 || again.FeatureTree != got.FeatureTree {
			t.Errorf("%s: cut at 0 there are %d clusters, %v", linkage, len(again.Features), err)
		}
		if linkage == "complete" {
			if again, err = sdktest.Call[featureClusters](t.Context(), m, "clusters_from_dendrogram", map[string]any{"input_clusters": got, "feature_height_cutoff": 0.4}); err != nil {
				t.Fatal(err)
			}
			threeGroups(t, again.Features)
		}
		one, err := sdktest.Call[featureClusters](t.Context(), m, "clusters_from_dendrogram",
			map[string]any{"input_clusters": got, "feature_height_cutoff": 1, "condition_height_cutoff": 1})
		if err != nil || len(one.Features) != 1 || len(one.Conditions) != 1 {
			t.Errorf("%s: cut at 1 there are %d clusters, %v", linkage, len(one.Features), err)
		}
	}
}

// TestJoinAgainstTheNaiveWay searches all pairs for the nearest, every time.
func TestJoinAgainstTheNaiveWay(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, name := range []string{"complete", "average", "single"} {
		for n := 2; n < 25; n++ {
			points := make([]float64, n)
			between := newTriangle(n)
			for i := range points {
				points[i] = random.Float64()
				for j := range i {
					between.set(i, j, math.Abs(points[i]-points[j]))
				}
			}
			var want []float64
			clusters := make([][]int, n)
			for i := range clusters {
				clusters[i] = []int{i}
			}
			for len(clusters) > 1 {
				a, b, least := 0, 0, math.Inf(1)
				for i := range clusters {
					for j := range i {
						if d := apart(name, points, clusters[i], clusters[j]); d < least {
							a, b, least = j, i, d
						}
					}
				}
				want = append(want, least)
				clusters[a] = append(clusters[a], clusters[b]...)
				clusters = slices.Delete(clusters, b, b+1)
			}
			root, err := join(t.Context(), between, linkages[name], func(float64) {})
			if err != nil {
				t.Fatal(err)
			}
			got := heights(root)
			slices.Sort(got)
			if !slices.EqualFunc(got, want, near) {
				t.Errorf("%s of %d: heights %v, want %v", name, n, got, want)
			}
		}
	}
}

func heights(n *node) []float64 {
	if n.left == nil {
		return nil
	}
	return append(append(heights(n.left), heights(n.right)...), n.height)
}

func apart(linkage string, points []float64, a, b []int) float64 {
	least, most, sum := math.Inf(1), 0.0, 0.0
	for _, i := range a {
		for _, j := range b {
			d := math.Abs(points[i] - points[j])
			least, most, sum = min(least, d), max(most, d), sum+d
		}
	}
	return map[string]float64{"single": least, "complete": most, "average": sum / float64(len(a)*len(b))}[linkage]
}

func TestFaultyDendrograms(t *testing.T) {
	for _, text := range []string{"", ";", "(0,1)", "(0,1", "0,1;", "(0;1);", "(0);", "(0,1,2);", "(0,0);", "(0,9);", "(0,1):x;", "(0:1,1:1);x", "(0 1,2);", "((0,1);", "(0,1)2;", "(0:-1,1);", "(a,b);"} {
		if _, err := parseNewick(text, 3); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func FuzzParseNewick(f *testing.F) {
	f.Add("((0:0.5,1:0.5):0.5,2:1);")
	f.Fuzz(func(t *testing.T, text string) {
		root, err := parseNewick(text, 1000)
		if err != nil {
			return
		}
		if leaves := root.leaves(); len(leaves) != root.size || len(slices.Compact(slices.Sorted(slices.Values(leaves)))) != root.size {
			t.Fatalf("leaves %v of %d", leaves, root.size)
		}
		root.cut(0.5)
	})
}

func TestLongMethodsAreCancelled(t *testing.T) {
	s := &service{matrices: map[string]*matrix{}}
	m, err := parseTSV(strings.NewReader(madeUp(300, 5)))
	if err != nil {
		t.Fatal(err)
	}
	s.matrices["m"] = m
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.clusterKMeans(ctx, kMeansParams{descriptorParams: descriptorParams{InputData: "m"}, K: 5}); !errors.Is(err, context.Canceled) {
		t.Errorf("k-means: %v", err)
	}
	if _, err := s.clusterHierarchical(ctx, hierarchicalParams{descriptorParams: descriptorParams{InputData: "m"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("hierarchical: %v", err)
	}
	if _, err := s.estimateK(ctx, estimateParams{InputMatrix: "m"}); !errors.Is(err, context.Canceled) {
		t.Errorf("estimate: %v", err)
	}
}

// TestAgainstR clusters the same data with R, which knows how.
func TestAgainstR(t *testing.T) {
	r, err := exec.LookPath("Rscript")
	if err != nil {
		t.Fatal("R is not installed, and the clusters are compared with its own: apt-get install r-base-core")
	}
	text := realData(t)
	rows, _, _ := plain(t, text)
	file := filepath.Join(t.TempDir(), "m.tsv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	const script = `
		m <- as.matrix(read.delim(commandArgs(TRUE)[1], row.names = 1, check.names = FALSE, quote = ""))
		set.seed(1)
		filled <- m
		filled[is.na(filled)] <- mean(m, na.rm = TRUE)
		km <- suppressWarnings(kmeans(filled, 8, iter.max = 1000, nstart = 30, algorithm = "Lloyd"))
		h <- hclust(as.dist(1 - cor(t(filled))), method = "complete")
		cut <- cutree(h, h = 0.5 * max(h$height))
		first <- which(cut == 1)
		pairs <- cor(t(m[first, ]), use = "pairwise.complete.obs")
		cat(format(km$tot.withinss, digits = 15), "\n")
		cat(cut, "\n")
		cat(format(mean(pairs[lower.tri(pairs)], na.rm = TRUE), digits = 15), "\n")
	`
	program := filepath.Join(filepath.Dir(file), "clusters.R")
	if err := os.WriteFile(program, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), r, program, file).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil {
			t.Fatalf("R said %q", out)
		}
		return v
	}

	m, err := parseTSV(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	km := kMeans{values: m.filled(), k: 8, starts: 30, maxIter: 1000, seed: 1}
	labels, err := km.run(t.Context(), func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := within(km.values.RawMatrix().Data, labels, km.values.RawMatrix().Cols), number(lines[0]); math.Abs(got/want-1) > 0.01 {
		t.Errorf("k-means leaves %g within clusters, and R %g", got, want)
	}

	got, err := sdktest.Call[featureClusters](t.Context(), newModule(new(service)), "cluster_hierarchical", map[string]any{"matrix_tsv": text})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{}
	for i, l := range strings.Fields(lines[1]) {
		want[l] = append(want[l], rows[i])
	}
	if len(got.Features) != len(want) {
		t.Errorf("%d clusters, and R has %d", len(got.Features), len(want))
	}
	for i, c := range got.Features {
		ids := want[strconv.Itoa(i+1)] // R counts clusters by their first rows too
		if have := slices.Sorted(maps.Keys(c.Positions)); !slices.Equal(have, slices.Sorted(slices.Values(ids))) {
			t.Errorf("cluster %d has %d features, and R %d", i, len(have), len(ids))
		}
	}
	if c := got.Features[0]; len(c.Positions) <= maxCorrelated && !near(*c.MeanCor, number(lines[2])) {
		t.Errorf("meancor is %g, and R says %s", *c.MeanCor, lines[2])
	}
}

// within is the sum of squared distances from the means of clusters.
func within(data []float64, labels []int, width int) float64 {
	sums, counts := map[int]float64{}, map[int]float64{}
	for i, v := range data {
		at := labels[i/width]*width + i%width
		sums[at] += v
		counts[at]++
	}
	total := 0.0
	for i, v := range data {
		at := labels[i/width]*width + i%width
		d := v - sums[at]/counts[at]
		total += d * d
	}
	return total
}

// TestManifest builds the program as README.md says, and runs it from a folder
// that has nothing but what is registered.
func TestManifest(t *testing.T) {
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "bin", "featurevalues"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.CopyFS(filepath.Join(dir, "matrices"), os.DirFS("matrices")); err != nil {
		t.Fatal(err)
	}
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "bin", "featurevalues"))
	cmd.Dir, cmd.Env = dir, []string{"HOST=127.0.0.1", "PORT=" + port}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	url := "http://" + net.JoinHostPort("127.0.0.1", port) + "/"
	ready, deadline := time.NewTicker(20*time.Millisecond), time.After(20*time.Second)
	defer ready.Stop()
	for up := false; !up; {
		select {
		case <-ready.C:
			if resp, err := http.Get(url); err == nil {
				_ = resp.Body.Close()
				up = true
			}
		case <-deadline:
			t.Fatal("it does not answer")
		}
	}
	resp, err := http.Post(url, "", strings.NewReader(`{"version":"1.1","id":"1","method":"FeatureValues.status","params":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(text), `"matrices":["example"]`) {
		t.Errorf("%s, %v", text, err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
