// FeatureValues is a service for matrices of features and conditions: an example
// of a module in Go, with quick methods and with long ones that are called as
// jobs.
package main

import (
	"context"
	"os"

	"github.com/dynsvc/dynsvc/sdk"
)

func main() {
	s := new(service)
	m := newModule(s)
	err := s.load(os.DirFS("."))
	if err == nil {
		err = m.Run(context.Background())
	}
	if err != nil {
		m.Logger().Error("failed", "error", err)
		os.Exit(1)
	}
}

// service has what the methods share: matrices by name, which never change.
type service struct{ matrices map[string]*matrix }

func newModule(s *service) *sdk.Module {
	m := sdk.New("FeatureValues", sdk.Options{
		Version: "1.0.0",
		Status: func(context.Context) sdk.Status {
			return sdk.Status{Fields: map[string]any{"matrices": s.names()}}
		},
	})
	params := sdk.Params("params")
	sdk.Handle(m, "get_matrix_descriptor", s.matrixDescriptor, params)
	sdk.Handle(m, "get_matrix_row_descriptors", s.rowDescriptors, params)
	sdk.Handle(m, "get_matrix_rows_stat", s.rowsStat, params)
	sdk.Handle(m, "get_matrix_row_sets_stat", s.rowSetsStat, params)
	sdk.Handle(m, "get_submatrix_stat", s.submatrixStat, params)
	sdk.Handle(m, "estimate_k", s.estimateK, params)
	sdk.Handle(m, "cluster_k_means", s.clusterKMeans, params)
	sdk.Handle(m, "cluster_hierarchical", s.clusterHierarchical, params)
	sdk.Handle(m, "clusters_from_dendrogram", s.clustersFromDendrogram, params)
	return m
}
