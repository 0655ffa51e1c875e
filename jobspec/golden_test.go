package jobspec_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/dynsvc/dynsvc/jobspec"
	"github.com/dynsvc/dynsvc/service"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// goldenInput is what a case's input.json says.
type goldenInput struct {
	Settings jobspec.Settings
	Classes  []service.Class
	Version  service.Version
}

// TestGolden renders testdata/<case>/input.json and compares with
// testdata/<case>/job.nomad.hcl.
func TestGolden(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*/input.json")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, input := range inputs {
		dir := filepath.Dir(input)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			got := renderCase(t, dir)
			golden := filepath.Join(dir, "job.nomad.hcl")
			if *update {
				if err := os.WriteFile(golden, []byte(got.HCL), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got.HCL, string(want)); diff != "" {
				t.Errorf("-got +want (rewrite with -update):\n%s", diff)
			}
			if again := renderCase(t, dir); again.HCL != got.HCL || again.Digest != got.Digest {
				t.Error("rendered twice, two results")
			}
			if formatted := string(hclwrite.Format([]byte(got.HCL))); formatted != got.HCL {
				t.Error("the text is not as the formatter leaves it")
			}
		})
	}
}

func readCase(t testing.TB, dir string) (*jobspec.Renderer, service.Version, jobspec.Placement) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "input.json"))
	if err != nil {
		t.Fatal(err)
	}
	var in goldenInput
	if err := json.Unmarshal(text, &in); err != nil {
		t.Fatal(err)
	}
	r, err := jobspec.New(nil, in.Settings)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := in.Settings.Rules()
	if err != nil {
		t.Fatal(err)
	}
	p, err := jobspec.Place(in.Version, in.Classes, rules)
	if err != nil {
		t.Fatal(err)
	}
	return r, in.Version, p
}

func renderCase(t testing.TB, dir string) service.Job {
	t.Helper()
	r, v, p := readCase(t, dir)
	job, err := r.Render(v, p)
	if err != nil {
		t.Fatal(err)
	}
	return job
}
