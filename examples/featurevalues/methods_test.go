package main

import (
	"io"
	"maps"
	"math"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/sdk/sdktest"
)

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
