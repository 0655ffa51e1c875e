package jobspec

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// Mount is a folder of the node in an instance.
type Mount struct {
	Name     Text // of the volume in the job
	Source   Text // of the host volume
	Target   Text
	ReadOnly bool
}

// KBase is what a module of KBase finds in its container.
type KBase struct {
	ID     Label
	Module Text
	Commit Text
	// Properties is the file in which such a module looks for its settings first;
	// it says what the environment says, with values that its reader understands.
	Properties List
}

// Label is a DNS label and prints itself bare.
type Label struct{ literal }

func newLabel(s string) (Label, error) {
	if !label.MatchString(s) {
		return Label{}, fmt.Errorf("%q is no DNS label", s)
	}
	return Label{literal{s}}, nil
}

// propertiesMount binds that file to where KBase's start script reads it.
const propertiesMount = "secrets/config.properties:/kb/module/work/config.properties"

var volumeSource = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// given adds to a version's data what the operator gives it.
func (d *Data) given(v service.Version) error {
	if v.Given == nil {
		return nil
	}
	for i, m := range v.Given.Volumes {
		if !volumeSource.MatchString(m.Source) || !strings.HasPrefix(m.Target, "/") || strings.Contains(m.Target, "${") {
			return fmt.Errorf("volume %q at %q: a volume has a plain name, and its place begins with /", m.Source, m.Target)
		}
		d.Mounts = append(d.Mounts, Mount{Name: newText(mountName(i)), Source: newText(m.Source), Target: newText(m.Target), ReadOnly: m.ReadOnly})
	}
	if !v.Given.KBase {
		return nil
	}
	id, err := newLabel(string(v.ID))
	if err != nil {
		return err
	}
	d.KBase = &KBase{ID: id, Module: newText(service.ModuleKey(v.Module)), Commit: newText(v.Commit), Properties: newList([]string{propertiesMount})}
	return nil
}

func mountName(i int) string { return fmt.Sprintf("mount-%d", i) }

// environment is the manifest's with what the operator gives in its place.
func environment(v service.Version) map[string]string {
	env := map[string]string{}
	for name, value := range v.Run.Env {
		env[name] = value
	}
	if v.Given != nil {
		for name, value := range v.Given.Env {
			env[name] = value
		}
	}
	return env
}

// anyAnswer reports whether a service's check can be no more than a connection:
// the generated servers of KBase answer a plain GET with an error.
func anyAnswer(v service.Version) bool {
	return v.Given != nil && v.Given.KBase && v.Run.Health.Path == "/"
}

// verifyVolumes wants the operator's volumes and no others.
func verifyVolumes(g object, v service.Version) {
	volumes := g.object("Volumes")
	if v.Given != nil {
		for i, m := range v.Given.Volumes {
			one := volumes.object(mountName(i))
			one.want("Name", mountName(i))
			one.want("Type", "host")
			one.want("Source", m.Source)
			one.standard("ReadOnly", m.ReadOnly)
			one.end()
		}
	}
	volumes.end()
}

// verifyMounts wants them where they are to be.
func verifyMounts(t object, v service.Version) {
	var want []service.Volume
	if v.Given != nil {
		want = v.Given.Volumes
	}
	for i, m := range t.list("VolumeMounts", len(want)) {
		m.want("Volume", mountName(i))
		m.want("Destination", want[i].Target)
		m.standard("ReadOnly", want[i].ReadOnly)
		m.standard("PropagationMode", "private")
		m.end()
	}
}

// verifyKBase allows the two templates that give a module of KBase its settings.
func verifyKBase(templates []object, v service.Version) {
	for i, tmpl := range templates {
		text, _ := tmpl.take("EmbeddedTmpl").(string)
		path := `"nomad/jobs/` + string(v.ID) + `"`
		if strings.Count(text, "nomadVar ") != 1 || strings.Count(text, "nomadVar "+path) != 1 ||
			strings.Count(text, "nomadVarExists ") != strings.Count(text, "nomadVarExists "+path) {
			tmpl.fault("its text does not read just %s", path)
		}
		verifyWords(tmpl, text, kbaseWords)
		tmpl.want("DestPath", []string{"${NOMAD_SECRETS_DIR}/kbase.env", "secrets/config.properties"}[i])
		tmpl.standard("Envvars", i == 0)
		endTemplate(tmpl)
	}
}

// kbaseWords are what those may call.
var kbaseWords = []string{"with", "nomadVar", "nomadVarExists", "range", "if", "else", "end", "toJSON", "env", "replaceAll"}
