package gen_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/kidl"
	"github.com/dynsvc/dynsvc/sdk/gen"
)

// wordList are words that languages or the clients themselves use, and that an
// interface may use, too.
const wordList = `abstract and any arguments assert await base bless boolean break byte caller case catch char check class
	clone cmp con const context continue count default defer def delete die do double e1 each else elsif enum equals eval
	eq except exec exit export extends extra fail false final finally first fn for foreach format from func function
	functions get getClass given global goto hashCode id if implements import in instanceof interface is isa join json keys
	kind lambda last lc length let local long m map method my names native new next nil no none not notify null o of open
	option or other our package params parse print private progress protected public push q qq qr qw record ref repeat
	result return reverse s say say self send shift short sort splice static strictfp sub super switch synchronized T tell
	test then this throw throws time timeout tr transient true try type types undef unless until use value values var void
	volatile wait waiting when while with x y yield Caller CallException ClientOptions Duration Job Json JsonNode List Long
	Map Object Objects Override Returns String Tuple1 Tuple2 TypeReference Void WaitOptions F NA NULL TRUE FALSE Inf NaN
	BEGIN END DESTROY AUTOLOAD VERSION STDIN ENV can isa DOES`

// everyWord writes the client of an interface that has each word as a function, a
// type, a parameter, a result, a field and an element.
func everyWord(t *testing.T, language gen.Language) (dir, folder string) {
	t.Helper()
	words := strings.Fields(wordList)
	slices.Sort(words)
	words = slices.Compact(words)
	var fields, elements, types, functions strings.Builder
	for i, w := range words {
		fmt.Fprintf(&fields, "int %s;\n", w)
		if i < 200 { // as many as a constructor may have in Java
			if i > 0 {
				elements.WriteString(", ")
			}
			fmt.Fprintf(&elements, "string %s", w)
		}
		fmt.Fprintf(&types, "/* %s */ typedef structure { string %s; } %s;\n", w, w, w)
		fmt.Fprintf(&functions, "/* %s */ funcdef %s(%s %s, int value) returns (%s %s, int result);\n", w, w, w, w, w, w)
	}
	spec := fmt.Sprintf("module Words {\n%stypedef structure {\n%s} Fields;\ntypedef tuple<%s> Elements;\n%s};\n", &types, &fields, &elements, &functions)
	model, err := kidl.LoadSource(nil, "Words.spec", []byte(spec))
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	files := generate(t, model, gen.Options{Language: language, Kind: gen.Client})
	write(t, dir, files)
	folder, _, _ = strings.Cut(files[0].Path, "/")
	return dir, folder
}

func TestEveryWordJava(t *testing.T) {
	t.Parallel()
	dir, _ := everyWord(t, gen.Java)
	javac(t, filesOf(t, dir, ".java")...)
}

func TestEveryWordPerl(t *testing.T) {
	t.Parallel()
	dir, folder := everyWord(t, gen.Perl)
	lib := filepath.Join(dir, folder, "lib")
	command(t, dir, nil, interpreter(t, "perl"), "-I"+lib, "-Mwarnings=FATAL,all", "-c", filepath.Join(lib, "Words/Client.pm"))
	command(t, dir, nil, interpreter(t, "podchecker"), "-warnings", filepath.Join(lib, "Words/Client.pm"))
}

func TestEveryWordR(t *testing.T) {
	t.Parallel()
	dir, folder := everyWord(t, gen.R)
	command(t, dir, nil, interpreter(t, "Rscript"), driver(t, "source.R"), folder)
}

// TestOddVersion writes a version into code that has what languages read in
// literals.
func TestOddVersion(t *testing.T) {
	t.Parallel()
	const version = `>=1.0 <2 "$x" @y %d {z} \'\u`
	const spec = "module M { /* #ifdef windows\n#ifdef windows\n=head1 x\n\\u */ funcdef f() returns (); };"
	model, err := kidl.LoadSource(nil, "M.spec", []byte(spec))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		language gen.Language
		prints   func(dir string) string
	}{
		{gen.Java, func(dir string) string {
			program := filepath.Join(dir, "P.java")
			write(t, dir, []gen.File{{Path: "P.java", Content: []byte(
				"final class P { public static void main(String[] a) { System.out.print(dynsvc.m.MClient.DEFAULT_VERSION); } }")}})
			path := javac(t, append(filesOf(t, filepath.Join(dir, "m-client"), ".java"), program)...)
			return command(t, dir, nil, interpreter(t, "java"), "-cp", path, "P")
		}},
		{gen.Perl, func(dir string) string {
			lib := filepath.Join(dir, "M-Client", "lib")
			command(t, dir, nil, interpreter(t, "podchecker"), "-warnings", filepath.Join(lib, "M", "Client.pm"))
			return command(t, dir, nil, interpreter(t, "perl"), "-I"+lib, "-MM::Client", "-e", `print M::Client->new(url => "http://x")->{runtime}{version}`)
		}},
		{gen.R, func(dir string) string {
			command(t, dir, nil, interpreter(t, "Rscript"), driver(t, "source.R"), "MClient")
			return command(t, dir, nil, interpreter(t, "Rscript"), "-e", `source("MClient/R/client.R"); cat(formals(m_client)$version)`)
		}},
	} {
		dir := t.TempDir()
		write(t, dir, generate(t, model, gen.Options{Language: c.language, Version: version}))
		if got := c.prints(dir); got != version {
			t.Errorf("%s: the version is %q, want %q", c.language, got, version)
		}
	}
}
