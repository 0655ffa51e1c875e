package catalog

import (
	"bufio"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// ignoreFile lists what is not part of a module.
const ignoreFile = ".dynsvcignore"

// neverPacked are files and folders that are no part of any module, wherever
// they stand.
var neverPacked = []string{".git", ".hg", ".svn", ".dynsvc", "__pycache__", ".DS_Store", "__MACOSX"}

// ignore tells what is not part of a module: neverPacked, and what the lines of
// .dynsvcignore name. They are read as git reads .gitignore: "#" begins a
// comment, "!" takes a name back in, a "/" at the end means folders only and one
// elsewhere ties the pattern to the top folder; "*", "?" and "[…]" match within
// a name and "**" matches any number of folders. The last line that matches
// decides, and nothing is taken back in from a folder that is left out.
type ignore struct{ rules []ignoreRule }

type ignoreRule struct {
	parts  []string
	folder bool
	keep   bool
}

// readIgnore reads the rules at the top of a module's files.
func readIgnore(fsys fs.FS) (ignore, error) {
	text, err := readText(fsys, ignoreFile, maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return ignore{}, nil
	}
	if err != nil {
		return ignore{}, err
	}
	var ig ignore
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	lines.Buffer(nil, maxManifest+1)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		var r ignoreRule
		line, r.keep = strings.CutPrefix(line, "!")
		line, r.folder = strings.CutSuffix(line, "/")
		if !strings.Contains(line, "/") {
			line = "**/" + line
		}
		r.parts = strings.Split(strings.TrimPrefix(line, "/"), "/")
		for _, part := range r.parts {
			if _, err := path.Match(part, ""); err != nil {
				return ignore{}, &Fault{File: ignoreFile, Line: n, Col: 1, Text: "is no pattern: a [ or \\ is left open"}
			}
		}
		ig.rules = append(ig.rules, r)
	}
	return ig, lines.Err()
}

// match reports whether a path is left out, itself or a folder above it.
func (ig ignore) match(name string, folder bool) bool {
	parts := strings.Split(name, "/")
	for i := range parts {
		if ig.one(parts[:i+1], folder || i+1 < len(parts)) {
			return true
		}
	}
	return false
}

func (ig ignore) one(parts []string, folder bool) bool {
	if slices.Contains(neverPacked, parts[len(parts)-1]) {
		return true
	}
	out := false
	for _, r := range ig.rules {
		if r.keep == out && (folder || !r.folder) && matchParts(r.parts, parts) {
			out = !r.keep
		}
	}
	return out
}

func matchParts(pattern, parts []string) bool {
	// reached[j]: the pattern so far matches the first j parts.
	reached := make([]bool, len(parts)+1)
	reached[0] = true
	for _, p := range pattern {
		next := make([]bool, len(parts)+1)
		for j := range reached {
			switch {
			case p == "**":
				next[j] = reached[j] || j > 0 && next[j-1]
			case j > 0 && reached[j-1]:
				next[j], _ = path.Match(p, parts[j-1]) // the pattern was checked when it was read
			}
		}
		reached = next
	}
	return reached[len(parts)]
}
