package catalog

import (
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// moving reports whether an image reference can come to mean another image.
func moving(image string) bool {
	if image == "" || strings.Contains(image, "@") {
		return false
	}
	_, tag, found := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	return !found || tag == "latest"
}

// kbaseImage fills in the operator's pattern for modules that name no image. A
// text instead of an image says what is missing.
func (d *Defaults) kbaseImage(v *service.Version) (image, why string) {
	if d.KBaseImage == "" {
		return "", "kbase.yml cannot name an image: add the Dockerfile that it is built from, have the operator set kbase_image, " +
			`e.g. "registry.example.org/kbase/{module_lower}:{commit}", or write a module.hcl`
	}
	if strings.Contains(d.KBaseImage, "{commit}") && d.Commit == "" {
		return "", "the operator's kbase_image has {commit} in it and no commit is known: register from a clean git work tree"
	}
	return strings.NewReplacer(
		"{module}", v.Module,
		"{module_lower}", strings.ToLower(v.Module),
		"{version}", v.Version,
		"{commit}", d.Commit,
	).Replace(d.KBaseImage), ""
}
