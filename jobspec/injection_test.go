package jobspec_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/dynsvc/dynsvc/jobspec"
	"github.com/dynsvc/dynsvc/service"
)

// hostile values try each way out of a quoted value that is known to us.
var hostile = []string{
	`x" } task "evil" { driver = "raw_exec" config { command = "id" } } #`,
	"x\"\n}\ntask \"evil\" {\n",
	`x\" } #`, `\`, `"`, "x\ny", "x\ry", "x\x00y", "x\x1b[2J",
	`${file("/etc/shadow")}`, `$${a}`, `$`, `${`, `%{ for a in b }x%{ endfor }`, `%{`, `%`,
	`{{ key "x" }}`, `{{`, `}}`, `{{ with secret "x" }}`,
	`[[ .ID ]]`, `[[`, `]]`, `[[ template "task" . ]]`,
	"<<EOT\nx\nEOT\n", "EOT", "        EOT\n", "# x", "// x", "/* x", "*/",
	"}", "{", "= 1", ", ", "null", "true", " ",
	"\u2028\u2029", "e\u0301", "\u202e", "\ufeff", "žluť", "🧬", "\xff\xfe", "\xc0\xaf",
	"../../etc", "/", "-", "--privileged", `|x`, `a,b`, "`id`", "$(id)", `'; id; '`,
	strings.Repeat("a", 300), strings.Repeat(`"`, 300),
}

// thorough cases use every part of the templates between them.
var thorough = []string{"docker-gpu", "raw_exec-connect-consul", "raw_exec-artifact-gpu-secrets"}

// TestInjection puts every hostile value, alone and after what was there, into
// every string of the thorough cases. Either the version is refused, or the job
// has the structure of the benign one and each value in it is the manifest's.
func TestInjection(t *testing.T) {
	for _, dir := range thorough {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			r, v, p := readCase(t, filepath.Join("testdata", dir))
			benign := render(t, r, v, p)
			fields, inert := 0, 0
			for at := 0; ; at++ {
				probe := clone(t, v)
				if !setString(&probe, at, func(s string) string { return s }) {
					break
				}
				fields++
				for _, bad := range hostile {
					for _, set := range []func(string) string{
						func(string) string { return bad },
						func(s string) string { return s + bad },
					} {
						changed := clone(t, v)
						setString(&changed, at, set)
						if checkInert(t, r, changed, p, benign) {
							inert++
						}
					}
				}
			}
			if fields < 12 || inert == 0 {
				t.Errorf("%d fields, %d inert renders: the test reaches too little", fields, inert)
			}
		})
	}
}

// FuzzRender looks for a value that the table above does not know.
func FuzzRender(f *testing.F) {
	for i, bad := range hostile {
		f.Add(uint8(i), uint8(i), bad)
	}
	type target struct {
		r      *jobspec.Renderer
		v      service.Version
		p      jobspec.Placement
		benign string
	}
	var targets []target
	for _, dir := range thorough {
		r, v, p := readCase(f, filepath.Join("testdata", dir))
		targets = append(targets, target{r, v, p, render(f, r, v, p)})
	}
	f.Fuzz(func(t *testing.T, which, at uint8, text string) {
		x := targets[int(which)%len(targets)]
		changed := clone(t, x.v)
		if text == "" { // nothing to say leaves a line out
			return
		}
		if setString(&changed, int(at), func(string) string { return text }) {
			checkInert(t, x.r, changed, x.p, x.benign)
		}
	})
}

func render(t testing.TB, r *jobspec.Renderer, v service.Version, p jobspec.Placement) string {
	t.Helper()
	job, err := r.Render(v, p)
	if err != nil {
		t.Fatal(err)
	}
	return job.HCL
}

// checkInert reports whether the version was rendered; it fails the test where
// the result is anything but the benign job with other values.
func checkInert(t *testing.T, r *jobspec.Renderer, v service.Version, p jobspec.Placement, benign string) bool {
	t.Helper()
	job, err := r.Render(v, p)
	if err != nil {
		return false
	}
	got, want := shapeOf(t, job.HCL), shapeOf(t, benign)
	// Names in env are the manifest's to choose; their values are compared below.
	got.dropVars()
	want.dropVars()
	if diff := cmp.Diff(want.blocks, got.blocks); diff != "" {
		t.Fatalf("the structure changed (-benign +got) for %+v:\n%s", v.Run, diff)
	}
	for attribute, value := range map[string]string{
		"job/group/task/env/DYNSVC_MODULE":     v.Module,
		"job/group/task/env/DYNSVC_VERSION":    v.Version,
		"job/group/task/env/DYNSVC_SERVICE":    string(v.ID),
		"job/group/service/check/path":         v.Run.Health.Path,
		"job/group/task/config/image":          v.Run.Image,
		"job/group/task/config/command":        v.Run.Command,
		"job/group/task/artifact/source":       v.Run.Artifact,
		"job/group/service/name":               string(v.ID),
		"job/group/service/meta/dynsvc_spec":   job.Digest,
		"job/meta/dynsvc_commit":               v.Commit,
		"job/group/task/resources/device.name": deviceName(v),
	} {
		if had, ok := got.values[attribute]; ok && value != "" && had != value {
			t.Fatalf("%s decodes to %q, and should be %q", attribute, had, value)
		}
	}
	for name, value := range v.Run.Env {
		if had := got.values["job/group/task/env/"+name]; had != value {
			t.Fatalf("env %s decodes to %q, and should be %q", name, had, value)
		}
	}
	if len(v.Run.Args) > 0 {
		if diff := cmp.Diff(v.Run.Args, got.lists["job/group/task/config/args"]); diff != "" {
			t.Fatalf("args (-manifest +got):\n%s", diff)
		}
	}
	return true
}

func deviceName(v service.Version) string {
	if len(v.Resources.GPUs) == 0 {
		return ""
	}
	return v.Resources.GPUs[0].Name
}

// shape is what a job's text says: its tree of blocks and attribute names, and
// the values of those attributes that are literals.
type shape struct {
	blocks []string
	values map[string]string
	lists  map[string][]string
}

func shapeOf(t testing.TB, text string) shape {
	t.Helper()
	file, diags := hclsyntax.ParseConfig([]byte(text), "job", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%v in\n%s", diags, text)
	}
	s := shape{values: map[string]string{}, lists: map[string][]string{}}
	s.walk(t, "", file.Body.(*hclsyntax.Body))
	return s
}

func (s *shape) walk(t testing.TB, path string, body *hclsyntax.Body) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(body.Attributes)) {
		at := path + name
		s.blocks = append(s.blocks, at)
		value, diags := body.Attributes[name].Expr.Value(nil)
		switch {
		case diags.HasErrors(): // Nomad's own ${…}
			s.blocks = append(s.blocks, at+" = "+fmt.Sprintf("%T", body.Attributes[name].Expr))
		case value.Type() == cty.String:
			s.values[at] = value.AsString()
		case value.Type().IsTupleType():
			for _, item := range value.AsValueSlice() {
				s.lists[at] = append(s.lists[at], item.AsString())
			}
		}
	}
	for _, b := range body.Blocks {
		at := path + b.Type
		s.blocks = append(s.blocks, at)
		if len(b.Labels) > 0 {
			s.values[at+".name"] = b.Labels[0]
		}
		s.walk(t, at+"/", b.Body)
	}
}

// dropVars leaves the variables out that the manifest has named.
func (s *shape) dropVars() {
	own := []string{"HOST", "PORT", "DYNSVC_MODULE", "DYNSVC_VERSION", "DYNSVC_SERVICE"}
	s.blocks = slices.DeleteFunc(s.blocks, func(at string) bool {
		name, in := strings.CutPrefix(at, "job/group/task/env/")
		return in && !slices.Contains(own, name) && !strings.Contains(name, " ")
	})
}

func clone(t testing.TB, v service.Version) service.Version {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out service.Version
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// setString changes the string with the given number, counting through all
// fields, elements, keys and values that are not empty (to say something where
// nothing was said adds lines); false: there are not so many.
func setString(v *service.Version, number int, set func(string) string) bool {
	n := 0
	return visit(reflect.ValueOf(v).Elem(), &n, number, set)
}

func visit(v reflect.Value, n *int, number int, set func(string) string) bool {
	switch v.Kind() {
	case reflect.String:
		if v.Len() == 0 {
			return false
		}
		*n++
		if *n-1 == number {
			v.SetString(set(v.String()))
			return true
		}
	case reflect.Slice:
		for i := range v.Len() {
			if visit(v.Index(i), n, number, set) {
				return true
			}
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			newKey, newValue := reflect.New(key.Type()).Elem(), reflect.New(v.Type().Elem()).Elem()
			newKey.Set(key)
			newValue.Set(v.MapIndex(key))
			if visit(newKey, n, number, set) || visit(newValue, n, number, set) {
				v.SetMapIndex(key, reflect.Value{})
				v.SetMapIndex(newKey, newValue)
				return true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && visit(v.Field(i), n, number, set) {
				return true
			}
		}
	}
	return false
}
