package kidl_test

import (
	"fmt"
	"testing"

	"github.com/dynsvc/dynsvc/kidl"
)

// TestRange holds which numbers an annotated type takes.
func TestRange(t *testing.T) {
	for _, tt := range []struct {
		typ, annotation string
		fit, misfit     []string
	}{
		{"int", "[0,10]", []string{"0", "10", "5.0", "-0"}, []string{"-1", "11", "0.5", "1e400", "-1e400"}},
		{"int", "(0 , 10)", []string{"1", "9"}, []string{"0", "10"}},
		{"int", "]0,10[", []string{"1", "9"}, []string{"0", "10"}},
		{"int", "0,10", []string{"0", "10"}, []string{"-1"}},
		{"int", "5,", []string{"5", "1e300", "123456789012345678901234567890"}, []string{"4"}},
		{"int", ",5", []string{"5", "-1e400"}, []string{"6"}},
		{"int", ",", []string{"0", "-7"}, nil},
		{"int", "(0.5,2.5)", []string{"1", "2"}, []string{"0", "3"}},
		{"int", "(-1.5,-0.5)", []string{"-1"}, []string{"0", "-2"}},
		{"int", "(0, 1)", []string{"0", "1"}, []string{"2", "-1"}}, // as real interfaces write it
		{"int", "[5,5]", []string{"5"}, []string{"4"}},
		{"int", "[+1e2,2E2]", []string{"100", "2e2"}, []string{"99", "201"}},
		{"int", "[9007199254740993,]", []string{"9007199254740993"}, []string{"9007199254740992"}},
		{"float", "(0,1)", []string{"0.5", "1e-300"}, []string{"0", "1", "1e400"}},
		{"float", "[.5,-.0]", nil, nil}, // a fault
		{"float", "[-.5,.50]", []string{"-0.5", "0.5", "0"}, []string{"0.5000001"}},
		{"string", "[0,1]", []string{`"any"`}, []string{"0"}},
	} {
		name := tt.typ + " " + tt.annotation
		m, err := kidl.LoadSource(nil, "x.spec", fmt.Appendf(nil, "module A { /* @range %s */ typedef %s t; funcdef f(t) returns (); };", tt.annotation, tt.typ))
		if (err != nil) != (tt.fit == nil) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f := throughJSON(t, m).Modules[0].Functions[0]
		for _, text := range tt.fit {
			if wrong := f.FitParams([]byte("["+text+"]"), 0); len(wrong) > 0 {
				t.Errorf("%s: %v", name, wrong)
			}
		}
		for _, text := range tt.misfit {
			if wrong := f.FitParams([]byte("["+text+"]"), 0); len(wrong) != 1 {
				t.Errorf("%s: %s fits", name, text)
			}
		}
	}
}
