package kidl

import (
	"fmt"
	"strings"
)

// nearest proposes the known name that was probably meant, as the rest of a
// sentence; nothing where none is alike.
func nearest(name string, known []string) string {
	if len(name) < 3 || len(name) > 64 {
		return "" // everything is alike, or it would take long
	}
	best, least := "", max(1, len(name)/3)
	for _, k := range known {
		if abs(len(k)-len(name)) > least {
			continue
		}
		d := distance(strings.ToLower(name), strings.ToLower(k))
		if d < least || d == least && best == "" {
			best, least = k, d
		}
	}
	if best == "" || best == name {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// distance counts the letters to insert, remove or replace to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
