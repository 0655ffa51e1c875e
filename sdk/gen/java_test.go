package gen_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/sdk/gen"
)

// jackson are the libraries that Java clients need, where Debian puts them.
func jackson(t *testing.T) string {
	t.Helper()
	var all []string
	for _, name := range []string{"core", "annotations", "databind"} {
		path := "/usr/share/java/jackson-" + name + ".jar"
		if _, err := os.Stat(path); err != nil {
			t.Fatalf("%s is not there; Java clients are tested with it, so please install libjackson2-databind-java", path)
		}
		all = append(all, path)
	}
	return strings.Join(all, string(os.PathListSeparator))
}

// javac compiles sources, with all warnings as errors, and returns the class path.
func javac(t *testing.T, sources ...string) string {
	t.Helper()
	libraries, classes := jackson(t), t.TempDir()
	args := []string{"-J-XX:TieredStopAtLevel=1", "--release", "11", "-encoding", "UTF-8", "-proc:none", "-Xlint:all", "-Werror", "-d", classes, "-cp", libraries}
	command(t, classes, nil, interpreter(t, "javac"), append(args, sources...)...)
	return libraries + string(os.PathListSeparator) + classes
}

// TestJavaClient drives the client of Everything, and does with it what needs no
// server.
func TestJavaClient(t *testing.T) {
	t.Parallel()
	dir := client(t, everything, gen.Java)
	drivers, err := filepath.Abs("testdata/drivers")
	if err != nil {
		t.Fatal(err)
	}
	path := javac(t, append(filesOf(t, dir, ".java"), filepath.Join(drivers, "Drive.java"), filepath.Join(drivers, "Local.java"))...)
	java := interpreter(t, "java")
	command(t, dir, nil, java, "-XX:TieredStopAtLevel=1", "-cp", path, "Local")
	drive(t, dir, nil, java, "-XX:TieredStopAtLevel=1", "-cp", path, "Drive")
}

// TestJavaIsClean lets javadoc read every client, without a warning, and reads what
// Maven would read.
func TestJavaIsClean(t *testing.T) {
	t.Parallel()
	for _, name := range cases(t) {
		dir := client(t, name, gen.Java)
		sources := filesOf(t, dir, ".java")
		args := []string{"-J-XX:TieredStopAtLevel=1", "--release", "11", "-encoding", "UTF-8", "-quiet", "-Xdoclint:all,-missing", "-Werror", "-d", t.TempDir(), "-cp", jackson(t)}
		command(t, dir, []string{"LC_ALL=C"}, interpreter(t, "javadoc"), append(args, sources...)...)
		for _, path := range filesOf(t, dir, "pom.xml") {
			wellFormed(t, path)
		}
	}
}

func wellFormed(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
}

// TestEverySpecJava compiles the clients of all interfaces, each by itself, in one
// Java machine.
func TestEverySpecJava(t *testing.T) {
	t.Parallel()
	dir, packages := everySpec(t, gen.Options{Language: gen.Java})
	command(t, dir, nil, interpreter(t, "java"), append([]string{driver(t, "CompileAll.java"), jackson(t)}, packages...)...)
}
