package main

import (
	"context"
	"slices"
)

// Summarize is AssemblyStats.summarize.
func (assemblyStats) Summarize(_ context.Context, fasta string) (Summary, error) {
	var s Summary
	var lengths []int64
	var gc, known int64
	for sequence, err := range contigs(fasta) {
		if err != nil {
			return Summary{}, err
		}
		n := int64(len(sequence))
		lengths, s.Bases, s.Longest = append(lengths, n), s.Bases+n, max(s.Longest, n)
		for i := range len(sequence) {
			switch sequence[i] {
			case 'G', 'C':
				gc++
				known++
			case 'A', 'T':
				known++
			}
		}
	}
	s.Contigs, s.Unknown = int64(len(lengths)), s.Bases-known
	if known > 0 {
		s.Gc = float64(gc) / float64(known)
	}
	slices.Sort(lengths)
	held := int64(0)
	for _, n := range slices.Backward(lengths) {
		if 2*held >= s.Bases {
			break
		}
		held += n
		s.N50, s.L50 = n, s.L50+1
	}
	return s, nil
}
