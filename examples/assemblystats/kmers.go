package main

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/dynsvc/dynsvc/sdk"
)

const (
	longestWord = 31 // of two bits a base
	usualTop    = 10
	bases       = "ACGT" // in this order a base and its complement add up to 3
)

// CountKmers is AssemblyStats.count_kmers.
func (assemblyStats) CountKmers(ctx context.Context, params CountParams) ([]WordCount, error) {
	if params.K < 1 || params.K > longestWord {
		return nil, sdk.Errorf("words have 1 to %d bases, not %d", longestWord, params.K)
	}
	counts, done := map[uint64]int64{}, 0
	for sequence, err := range contigs(params.Fasta) {
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
		count(counts, sequence, int(params.K))
		done += len(sequence)
		sdk.Progress(ctx, float64(done)/float64(len(params.Fasta)), "counting")
	}
	top := int64(usualTop)
	if params.Top != nil {
		top = max(0, *params.Top)
	}
	words := slices.SortedFunc(maps.Keys(counts), func(a, b uint64) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	list := make([]WordCount, min(int64(len(words)), top))
	for i := range list {
		list[i] = WordCount{Word: spell(words[i], int(params.K)), Count: counts[words[i]]}
	}
	return list, nil
}

// count adds the words of a sequence, each as the lesser of it and its reverse
// complement.
func count(counts map[uint64]int64, sequence string, k int) {
	var forward, reverse uint64
	known := 0 // bases in a row
	for i := range len(sequence) {
		base, ok := code(sequence[i])
		if !ok {
			known = 0
			continue
		}
		forward = (forward<<2 | base) & (1<<(2*k) - 1)
		reverse = reverse>>2 | (3-base)<<(2*(k-1))
		if known++; known >= k {
			counts[min(forward, reverse)]++
		}
	}
}

func code(base byte) (uint64, bool) {
	for i := range len(bases) {
		if bases[i] == base {
			return uint64(i), true
		}
	}
	return 0, false
}

// spell writes a word out.
func spell(word uint64, k int) string {
	text := make([]byte, k)
	for i := range text {
		text[k-1-i] = bases[word>>(2*i)&3]
	}
	return string(text)
}
