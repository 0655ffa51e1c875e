package conformance

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The runtimes carry the version of the product, each in the spelling of its registry.
func TestRuntimesHaveTheVersionOfTheProduct(t *testing.T) {
	product := versionIn(t, "../../cmd/dynsvc/version.go", `version = "([^"]+)"`)
	if got := versionIn(t, "../javascript/package.json", `"version": "([^"]+)"`); got != product {
		t.Errorf("sdk/javascript/package.json has %s, want %s", got, product)
	}
	want := strings.Replace(product, "-dev", ".dev0", 1)
	if got := versionIn(t, "../python/dynsvc/version.py", `__version__ = "([^"]+)"`); got != want {
		t.Errorf("sdk/python/dynsvc/version.py has %s, want %s", got, want)
	}
}

func versionIn(t *testing.T, file, pattern string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(pattern).FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s has no %s", file, pattern)
	}
	return string(found[1])
}
