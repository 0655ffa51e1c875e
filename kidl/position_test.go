package kidl_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/kidl"
)

// TestFirstFault holds places that follow from how KBase's parser works: it
// resolves names as it goes, so an unknown one comes before a syntax fault that
// follows; a fault of meaning is placed at the last token read, one of syntax at
// the next; the end of a file is its last letter.
func TestFirstFault(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"unknown type before a colon", "module A { typedef structure { a: int; } T; };", "1:32"},
		{"unknown type before a bracket", "module A {\n typedef array<int> T;\n};", "2:10"},
		{"unknown parameter before a syntax fault", "module A { funcdef f(No x) retruns (); };", "1:22"},
		{"unknown type of a known module", "module A { typedef A . No x; };", "1:24"},
		{"unknown type before a bad letter", "module A { typedef No _x; };", "1:23"},
		{"annotation before a syntax fault", "module A { /* @deprecated a b */ funcdef f( };", "1:43"},
		{"annotation of a function", "module A { /* @deprecated a b */ funcdef f() returns (); };", "1:43"},
		{"end without line break", "module A {", "1:10"},
		{"end after line breaks", "module A {\n\n", "2:1"},
		{"end after a comment", "module A { }; x /* c */", "1:15"},
		{"end after a tab", "module A {\t", "1:16"},
		{"tabs", "\tmodule\tA\tX", "1:25"},
		{"carriage returns", "module A {\r\r\n\r  x };", "4:3"},
		{"letters of several bytes", "/* é€😀 */ x", "1:12"},
		{"slash at the end", "module A { }; /", "1:16"},
		{"bad letter at the end", "module A { }; =", "1:16"},
		{"comment open at the end", "module A { }; /* x", "1:19"},
		{"half an include", "#inclode <x>", "1:6"},
		{"include without end", "#include <x", "1:1"},
		{"include in a module", "module A { #include <x>\n};", "1:12"},
		{"no name after a dot", "module A { typedef int X; typedef A.; };", "1:37"},
		{"duplicate without semicolon", "module A { typedef int X; typedef int X };", "1:41"},
		{"reserved service", "module list : A { };", "1:8"},
		{"semicolon alone", "module A { ; };", "1:12"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := kidl.LoadSource(nil, "x.spec", []byte(tt.in))
			var faults kidl.Faults
			if !errors.As(err, &faults) {
				t.Fatalf("no faults: %v", err)
			}
			if got := fmt.Sprintf("%d:%d", faults[0].Line, faults[0].Col); got != tt.want {
				t.Errorf("first fault at %s, want %s: %v", got, tt.want, err)
			}
		})
	}
}

// TestFaultsAreFew holds how often one mistake is reported: once.
func TestFaultsAreFew(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     int
	}{
		{"one unknown type used often", "module A { typedef No a; typedef list<No> b; funcdef f(No) returns (No); };", 1},
		{"field in another language", "module A { typedef structure { a: int; int ok; } T; funcdef f(T) returns (T); };", 1},
		{"type whose definition is broken", "module A { typedef list<> T; funcdef f(T) returns (T); };", 1},
		{"module of a missing file", "#include <no.spec>\nmodule A { typedef No.x a; typedef No.y b; };", 1},
		{"everything left open", "module A { typedef structure { int a; list<", 1},
		{"two mistakes apart", "module A { typedef lst<int> a; typedef int b };", 2},
		{"no text at all, but bytes", strings.Repeat("\x00\x01\xff", 4000), 1},
		{"many mistakes", "module A { " + strings.Repeat("typedef ; ", 5000) + "};", 101},
		{"many unknown types", "module A { " + unknowns(5000) + "};", 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := kidl.LoadSource(nil, "x.spec", []byte(tt.in))
			var faults kidl.Faults
			if !errors.As(err, &faults) {
				t.Fatalf("no faults: %v", err)
			}
			if len(faults) != tt.want {
				t.Errorf("%d faults, want %d: %v", len(faults), tt.want, faults[:min(5, len(faults))])
			}
		})
	}
}

func unknowns(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "typedef No%d a%d; ", i, i)
	}
	return b.String()
}

// TestDepth holds that depth is bounded wherever a reader would recurse.
func TestDepth(t *testing.T) {
	deep := "module D { typedef " + strings.Repeat("list<", 100_000) + "int" + strings.Repeat(">", 100_000) + " d; };"
	chain := "module C { typedef int t0; "
	for i := range 5000 {
		chain += fmt.Sprintf("typedef list<t%d> t%d; ", i, i+1)
	}
	for name, src := range map[string]string{"deeper than": deep, "build on one another": chain + "};"} {
		_, err := kidl.LoadSource(nil, "x.spec", []byte(src))
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want a fault about %q", err, name)
		}
	}
}
