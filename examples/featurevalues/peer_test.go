package main

import (
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/sdk/sdktest"
)

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
