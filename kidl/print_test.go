package kidl_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/dynsvc/dynsvc/kidl"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sameTree compares trees as they are written: positions aside, and where on
// its line a comment was.
var sameTree = cmp.Options{
	cmpopts.IgnoreUnexported(kidl.File{}, kidl.ModuleDecl{}, kidl.TypeExpr{}),
	cmpopts.IgnoreTypes(kidl.Position{}),
	cmpopts.IgnoreFields(kidl.Comment{}, "Trailing"),
}

func printed(t testing.TB, f *kidl.File) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.Print(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// checkPrint prints a source, if it parses, and reads it back.
func checkPrint(t testing.TB, src []byte) {
	t.Helper()
	f, err := kidl.Parse("x.spec", src)
	if err != nil {
		if err := f.Print(&bytes.Buffer{}); !errors.Is(err, kidl.ErrFaulty) {
			t.Errorf("printing a faulty file: %v, want %v", err, kidl.ErrFaulty)
		}
		return
	}
	once := printed(t, f)
	again, err := kidl.Parse("x.spec", once)
	if err != nil {
		t.Fatalf("what was printed does not parse: %v\n%s", err, once)
	}
	if diff := cmp.Diff(f, again, sameTree); diff != "" {
		t.Fatalf("printed and parsed (-before +after):\n%s\n%s", diff, once)
	}
	if twice := printed(t, again); !bytes.Equal(once, twice) {
		t.Fatalf("printed twice:\n%s", cmp.Diff(string(once), string(twice)))
	}
}

// TestPrintIsIdentity prints and reads back every reference source.
func TestPrintIsIdentity(t *testing.T) {
	specs, err := sources()
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range specs {
		src, err := os.ReadFile(spec)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(spec, func(t *testing.T) { checkPrint(t, src) })
	}
}

// sources finds every source of the tests.
func sources() ([]string, error) {
	flat, err := filepath.Glob("testdata/*/*.spec")
	if err != nil {
		return nil, err
	}
	nested, err := filepath.Glob("testdata/*/*/*.spec")
	return append(flat, nested...), err
}
