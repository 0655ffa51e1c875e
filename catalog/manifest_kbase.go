package catalog

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v3"

	"github.com/dynsvc/dynsvc/service"
)

const (
	kbaseApps       = "ui/narrative/methods"
	kbaseFunctions  = "ui/local_functions"
	kbaseDockerfile = "Dockerfile"
)

// listed are the names in a folder: of its folders or, where a suffix is given, of
// its files without it. What could not be an id is left out.
func listed(fsys fs.FS, folder, suffix string) []string {
	entries, err := fs.ReadDir(fsys, folder)
	if err != nil {
		return nil // there is none
	}
	var names []string
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		if ok && e.IsDir() == (suffix == "") && appID.MatchString(name) && len(names) < maxApps {
			names = append(names, name)
		}
	}
	return names
}

const maxApps = 1000

var appID = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$`)

// kbase reads a kbase.yml. Its texts begin as those of KBase's own catalog do,
// so that what is written about those helps here too.
type kbase struct {
	*places
	keys map[string]*yaml.Node // key -> value, aliases followed
}

// readKBase takes what a kbase.yml says as it stands in existing repositories;
// unknown keys are left alone. What it cannot say comes from the defaults, and
// there is one instance at most, as such modules are used to.
func readKBase(fsys fs.FS, file string, src []byte, d Defaults) (service.Version, []Notice, error) {
	k := &kbase{places: newPlaces(file), keys: map[string]*yaml.Node{}}
	k.start[""] = hcl.InitialPos
	v := d.version()
	v.Manifest = file
	v.Scale.Max, v.Scale.Min = 1, min(v.Scale.Min, 1)
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(strings.ToValidUTF8(string(src), "")), &root); err != nil {
		k.fault(yamlPlace(err), "is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return service.Version{}, nil, joined(k.faults)
	}
	if len(root.Content) == 0 || follow(root.Content[0]).Kind != yaml.MappingNode {
		k.fault(hcl.InitialPos, "has no keys: it begins with module-name: and the name of the module")
		return service.Version{}, nil, joined(k.faults)
	}
	k.take(follow(root.Content[0]), "")
	k.text("module-name", "module", &v.Module)
	k.text("module-description", "description", &v.Description)
	k.version(&v)
	k.text("service-language", "language", &v.Language)
	k.owners(&v)
	if n := k.keys["data-version"]; n != nil && n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
		k.start["data_version"] = place(n)
		v.DataVersion = strings.TrimSpace(n.Value)
	}
	d.Timeout = kbaseTimeout(d)
	k.serviceConfig(&v, &d)
	if v.Module != "" && !service.ValidModuleName(v.Module) && !k.broken["module"] {
		k.bad("module", k.of("module"), "names must be alphanumeric characters (including underscores) only, with no spaces, and 63 at most, not %q", v.Module)
	}
	image, why := d.kbaseImage(&v)
	switch info, err := fs.Stat(fsys, kbaseDockerfile); {
	case why == "":
		v.Run.Command, v.Run.Args = "", nil // what is built goes before what is for a laptop
	case d.KBaseImage == "" && err == nil && info.Mode().IsRegular():
		v.Run.Dockerfile, why = kbaseDockerfile, ""
	case v.Run.Command != "":
		why = ""
	}
	if v.Run.Image = image; why != "" && !k.broken["module"] && !k.broken["version"] {
		k.fault(k.start[""], "%s", why)
	}
	k.broken["run"] = why != ""
	k.broken["run.image"] = k.broken["module"] || k.broken["version"]
	if info, err := fs.Stat(fsys, kbaseApps); err == nil && info.IsDir() {
		v.Apps = kbaseApps
	}
	v.AppIDs, v.LocalFunctions = listed(fsys, kbaseApps, ""), listed(fsys, kbaseFunctions, ".json")
	notices := append(k.unknown(), k.findInterface(fsys, &v)...)
	k.check(v.Validate())
	if len(k.faults) > 0 {
		return service.Version{}, nil, joined(k.faults)
	}
	return v, append(notices, k.describe(fsys, &v, d)...), nil
}

// describe completes the methods by the interface. A module with one that cannot
// be read runs all the same, as such modules do: its methods are not known then.
func (k *kbase) describe(fsys fs.FS, v *service.Version, d Defaults) (notices []Notice) {
	faults, mistakes, warnings := methodsOf(fsys, v, d, func(int) bool { return false })
	for _, f := range faults {
		notices = append(notices, k.file+": the interface "+f.text+"; methods are passed on unchecked")
	}
	for _, m := range append(mistakes, warnings...) {
		notices = append(notices, m.String())
	}
	if len(mistakes) > 0 {
		notices = append(notices, v.Interface+": not readable, so methods are passed on unchecked")
	}
	return notices
}

var yamlLine = regexp.MustCompile(`line ([0-9]{1,9})`)

func yamlPlace(err error) hcl.Pos {
	at := hcl.InitialPos
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		_, _ = fmt.Sscan(m[1], &at.Line) // nine digits are a number
	}
	return at
}

// follow goes from an alias to what it stands for.
func follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias // never an alias itself
	}
	return n
}

func place(n *yaml.Node) hcl.Pos { return hcl.Pos{Line: n.Line, Column: n.Column} }

// take notes the values of a mapping, under a prefix.
func (k *kbase) take(m *yaml.Node, prefix string) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		key := prefix + m.Content[i].Value
		if first, twice := k.keys[key]; twice {
			k.fault(place(m.Content[i]), "%q is there twice, first at line %d: remove one", key, first.Line)
			continue
		}
		k.keys[key] = follow(m.Content[i+1])
	}
}

func (k *kbase) required(key, field string) (*yaml.Node, bool) {
	n := k.keys[key]
	switch {
	case n == nil:
		k.broken[field] = true
		k.fault(k.start[""], "missing %q required field", key)
		return nil, false
	case n.ShortTag() == "!!null" || n.Kind == yaml.ScalarNode && strings.TrimSpace(n.Value) == "":
		k.broken[field] = true
		k.fault(place(n), "missing value for %q required field", key)
		return nil, false
	}
	k.start[field] = place(n)
	return n, true
}

func (k *kbase) text(key, field string, to *string) {
	n, ok := k.required(key, field)
	if !ok {
		return
	}
	if n.Kind != yaml.ScalarNode {
		k.broken[field] = true
		k.fault(place(n), "%q required field must be a text", key)
		return
	}
	*to = strings.TrimSpace(n.Value)
}

func (k *kbase) version(v *service.Version) {
	const key = "module-version"
	n, ok := k.required(key, "version")
	if !ok {
		return
	}
	k.broken["version"] = true
	if tag := n.ShortTag(); tag == "!!float" || tag == "!!int" {
		k.fault(place(n), "Invalid version string - must be in semantic version format. See http://semver.org: "+
			"%s is a number to YAML, write three numbers such as %s", n.Value, threeNumbers(n.Value))
		return
	}
	trial := service.Version{Version: strings.TrimSpace(n.Value)}
	for _, f := range service.Faults(trial.Validate()) {
		if n.Kind != yaml.ScalarNode || f.Field == "version" {
			k.fault(place(n), "Invalid version string - must be in semantic version format. See http://semver.org: %q has not the form 1.2.0", n.Value)
			return
		}
	}
	k.broken["version"] = false
	v.Version = trial.Version
}

func threeNumbers(number string) string {
	if simple := regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,9})?$`); !simple.MatchString(number) {
		return "1.2.0"
	}
	major, minor, found := strings.Cut(number, ".")
	trim := func(s string) string {
		if s = strings.TrimLeft(s, "0"); s == "" {
			return "0"
		}
		return s
	}
	if !found {
		minor = "0"
	}
	return trim(major) + "." + trim(minor) + ".0"
}

func (k *kbase) owners(v *service.Version) {
	const key = "owners"
	n, ok := k.required(key, "owners")
	if !ok {
		return
	}
	if n.Kind != yaml.SequenceNode {
		k.fault(place(n), "%q required field must be a list, e.g. owners: [ada, grace]", key)
		return
	}
	if len(n.Content) == 0 {
		k.fault(place(n), "missing value for %q required field", key)
	}
	for _, item := range n.Content {
		item = follow(item)
		if item.Kind != yaml.ScalarNode || item.ShortTag() == "!!null" {
			k.fault(place(item), "%q required field must be a list of user names", key)
			continue
		}
		k.start[fmt.Sprintf("owners[%d]", len(v.Owners))] = place(item)
		v.Owners = append(v.Owners, strings.TrimSpace(item.Value))
	}
}
