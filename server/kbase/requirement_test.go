package kbase

import (
	"bufio"
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"
)

// TestRequirementsChooseWhatTheReferenceChooses has the answers of Python's
// semantic_version 2.9, which KBase's catalog uses.
func TestRequirementsChooseWhatTheReferenceChooses(t *testing.T) {
	text, err := os.ReadFile("testdata/requirements.tsv")
	if err != nil {
		t.Fatal(err)
	}
	sets := map[string][]*semver.Version{}
	vectors := 0
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if comment, ok := strings.CutPrefix(lines.Text(), "# "); ok {
			if name, list, ok := strings.Cut(comment, " = "); ok && len(name) == 1 {
				for text := range strings.FieldsSeq(list) {
					sets[name] = append(sets[name], semver.MustParse(text))
				}
			}
			continue
		}
		fields := strings.Split(lines.Text(), "\t")
		set, text, want := fields[0], fields[1], fields[2]
		vectors++
		got := "(invalid)"
		if r, ok := parseRequirement(text); ok {
			got = "(none)"
			var best *semver.Version
			for _, v := range sets[set] {
				if r.holds(v) && (best == nil || v.GreaterThan(best)) {
					best, got = v, v.Original()
				}
			}
		}
		if got != want {
			t.Errorf("%q over %s chooses %s, want %s", text, set, got, want)
		}
	}
	if vectors != 114 {
		t.Errorf("%d vectors, want 114", vectors)
	}
}
