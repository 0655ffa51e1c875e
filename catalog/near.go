package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// hint says which of the known names was probably meant, else which there are.
func hint(name string, known []string) string {
	best, distance := "", 1+len(name)/3
	for _, k := range known {
		if d := edits(strings.ToLower(name), k); d <= distance && (best == "" || d < edits(strings.ToLower(name), best)) {
			best = k
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	known = slices.Sorted(slices.Values(known))
	return "there are " + strings.Join(known, ", ")
}

// edits counts the letters to insert, remove or replace to get from a to b; two
// neighbours that changed places count as one.
func edits(a, b string) int {
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			change := row[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			next[j] = min(row[j]+1, next[j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
