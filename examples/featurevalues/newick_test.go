package main

import (
	"slices"
	"testing"
)

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
