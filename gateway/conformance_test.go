package gateway_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/proxy.md and docs/pitfalls.md say for each case which test proves it.
func TestEveryCaseNamesATest(t *testing.T) {
	var text []byte
	for _, page := range []string{"../docs/proxy.md", "../docs/pitfalls.md"} {
		more, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, more...)
	}
	named := regexp.MustCompile("`([a-z0-9/]*/)?((?:Test|Fuzz)[A-Za-z0-9]+)`")
	sources := map[string]string{}
	rows := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| --") || strings.HasPrefix(line, "| case ") || strings.HasPrefix(line, "| what goes wrong ") {
			continue
		}
		rows++
		tests := named.FindAllStringSubmatch(line, -1)
		if len(tests) == 0 {
			t.Errorf("no test in %s", line)
		}
		for _, m := range tests {
			dir := "../" + m[1]
			if m[1] == "" {
				dir = "."
			}
			if sources[dir] == "" {
				files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range files {
					source, err := os.ReadFile(name)
					if err != nil {
						t.Fatal(err)
					}
					sources[dir] += string(source)
				}
			}
			if !strings.Contains(sources[dir], "\nfunc "+m[2]+"(") {
				t.Errorf("%s%s does not exist: %s", m[1], m[2], line)
			}
		}
	}
	if rows < 120 {
		t.Errorf("%d cases found", rows)
	}
}
