// The module FilterContigs. This file is yours: it was written once. The functions of
// the interface are declared in interface.go, which is written again with each
// change of it.
package main

import (
	"context"
	"os"

	"github.com/dynsvc/dynsvc/sdk"
)

type filterContigs struct{}

// FilterContigs is FilterContigs.filter_contigs. It needs a token.
//
// Removes contigs that are shorter than min_length.
func (*filterContigs) FilterContigs(ctx context.Context, params FilterParams) (FilterResults, error) {
	var result FilterResults
	return result, sdk.Errorf("filter_contigs is not written yet")
}

// CountContigs is FilterContigs.count_contigs.
//
// The number of contigs.
func (*filterContigs) CountContigs(ctx context.Context, fasta string) (int64, error) {
	var result int64
	return result, sdk.Errorf("count_contigs is not written yet")
}

func main() {
	m := sdk.New("FilterContigs", sdk.Options{})
	register(m, &filterContigs{})
	if err := m.Run(context.Background()); err != nil {
		m.Logger().Error("stopped", "error", err)
		os.Exit(1)
	}
}
