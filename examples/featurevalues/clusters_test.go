package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/sdk"
	"github.com/dynsvc/dynsvc/sdk/sdktest"
)

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
