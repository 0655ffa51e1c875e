package service

import (
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	imageName    = regexp.MustCompile(`^((` + imageHost + `|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?/)?` +
		imagePart + `(/` + imagePart + `)*` +
		`(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$`)
	checksum     = regexp.MustCompile(`^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$`)
	artifactForm = regexp.MustCompile(`^(?:([a-z0-9]+)::)?([a-z][a-z0-9+.-]*://.*)$`)
)

const (
	imageHost = `[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*`
	imagePart = `[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*`

	maxImage   = 512
	maxURL     = 2048
	maxCommand = 1024
)

// Where an artifact may come from: the getter before "::" (empty: none) and the
// schemes it may have. The agent's own disk is not among them.
var artifactSchemes = map[string][]string{
	"":    {"http", "https"},
	"git": {"http", "https", "ssh"},
	"hg":  {"http", "https", "ssh"},
	"s3":  {"http", "https"},
	"gcs": {"http", "https"},
}

// reservedVariables are set by the platform.
var reservedVariables = []string{"PORT"}

// ReservedPrefixes begin the names of variables that a manifest may not set.
var ReservedPrefixes = []string{"NOMAD_", "DYNSVC_"}

func (r *Run) validate(f *faults) {
	r.validateForm(f)
	f.check(r.Port >= 1 && r.Port <= 65535, "run.port", "must be between 1 and 65535, not %d", r.Port)
	f.check(r.Protocol == HTTP1 || r.Protocol == H2C, "run.protocol", `must be "h2c" or left out for HTTP/1.1, not %q`, r.Protocol)
	r.validateVariables(f)
	f.check(validHealthPath(r.Health.Path), "run.health.path", `must be a path that begins with "/" and has no blanks, not %q`, r.Health.Path)
	within(f, "run.health.start_deadline", r.Health.StartDeadline, time.Second, maxStart, "")
	within(f, "run.stop_grace", r.StopGrace, 0, maxGrace, "")
}

// validateForm checks that the run block says what to run, once.
func (r *Run) validateForm(f *faults) {
	switch {
	case r.Image == "" && r.Artifact == "" && r.Command == "" && r.Dockerfile == "":
		f.add("run", "must say what to run: image, dockerfile, artifact with command, or command")
	case r.Dockerfile != "" && r.Artifact != "":
		f.add("run.artifact", "cannot go with dockerfile: keep one of the two")
	case r.Image != "" && r.Artifact != "":
		f.add("run.artifact", "cannot go with image: keep one of the two")
	case r.Image != "" && r.Command != "":
		f.add("run.command", "cannot go with image: the image says what it starts")
	case r.Artifact != "" && r.Command == "":
		f.add("run.artifact", `needs command, the program inside it, e.g. command = "bin/server"`)
	}
	f.check(len(r.Args) == 0 || r.Command != "", "run.args", "must go with command: the image says what it starts")
	f.check(len(r.Build) == 0 || r.Command != "" && r.Artifact == "", "run.build", "must go with command alone: images and artifacts are built elsewhere")
	f.check(r.Checksum == "" || r.Artifact != "", "run.checksum", "must go with artifact")
	if r.Image != "" {
		f.check(ValidateImage(r.Image) == nil, "run.image",
			"must be an image reference such as registry.example.org/name:1.2.0, not %q", r.Image)
	}
	f.check(r.Dockerfile == "" || validPath(r.Dockerfile) && len(r.Dockerfile) <= maxCommand, "run.dockerfile",
		`must be the path of a file in the module such as "Dockerfile", not %q`, r.Dockerfile)
	if r.Artifact != "" {
		validateArtifact(f, r.Artifact)
	}
	if r.Checksum != "" {
		f.check(checksum.MatchString(r.Checksum), "run.checksum", `must be "sha256:" and 64, or "sha512:" and 128 lower-case hex digits, not %q`, r.Checksum)
	}
	if r.Command != "" {
		f.check(len(r.Command) <= maxCommand && !hasParent(r.Command) && r.Command == strings.TrimSpace(r.Command) && !strings.HasPrefix(r.Command, "-"), "run.command",
			"must be a program's name or its path in the module, with no .. in it, not %q; arguments go to args", r.Command)
	}
}

// ValidateImage checks the form of an image reference.
func ValidateImage(ref string) error {
	if len(ref) <= maxImage && imageName.MatchString(ref) {
		return nil
	}
	return Errorf(ErrInvalid, "%q is no image reference such as registry.example.org/name:1.2.0", ref)
}

func validateArtifact(f *faults, artifact string) {
	const field = "run.artifact"
	// A git address of the form host:path has no scheme and would be guessed at.
	parts := artifactForm.FindStringSubmatch(artifact)
	if parts == nil || len(artifact) > maxURL || strings.ContainsAny(artifact, " \\") {
		f.add(field, `must be a full URL such as "https://example.org/server.tar.gz" or "git::https://example.org/repo.git//dist?ref=v1.2.0", not %q`, artifact)
		return
	}
	u, err := url.Parse(parts[2])
	if err != nil || u.Host == "" {
		f.add(field, "must be a URL with a host, not %q", artifact)
		return
	}
	schemes, known := artifactSchemes[parts[1]]
	if !known {
		f.add(field, "cannot be fetched with %q: the ways are http and https URLs, or git::, hg::, s3:: or gcs:: before one", parts[1]+"::")
		return
	}
	f.check(slices.Contains(schemes, u.Scheme), field, "cannot be fetched by %s: use %s", u.Scheme, strings.Join(schemes, " or "))
	_, secret := u.User.Password()
	f.check(!secret, field, "holds a password: leave it out, what a manifest says can be read by everybody")
	f.check(!hasParent(u.Path) && !hasParent(u.RawQuery), field, "must not have .. in its path, not %q", artifact)
}

func (r *Run) validateVariables(f *faults) {
	for _, name := range slices.Sorted(maps.Keys(r.Env)) {
		validateVariable(f, "run.env."+name, name)
	}
	seen := map[string]bool{}
	for i, name := range r.Secrets {
		field := fmt.Sprintf("run.secrets[%d]", i)
		validateVariable(f, field, name)
		f.check(!seen[name], field, "%q is listed twice: remove one", name)
		seen[name] = true
		_, set := r.Env[name]
		f.check(!set, field, "%q is also set in env: remove it there, a secret's value is set by an admin", name)
	}
}

func validateVariable(f *faults, field, name string) {
	if !variableName.MatchString(name) {
		f.add(field, "must be named with letters, digits and _, and not begin with a digit; %q is not", name)
		return
	}
	f.check(!slices.Contains(reservedVariables, name), field, "is set by the platform: use port to say where the program listens")
	for _, prefix := range ReservedPrefixes {
		f.check(!strings.HasPrefix(name, prefix), field, "is reserved: names that begin with %s are set by the platform", prefix)
	}
}

func validHealthPath(p string) bool {
	if !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || len(p) > maxURL || strings.ContainsAny(p, " #\\") {
		return false
	}
	_, err := url.ParseRequestURI(p)
	return err == nil
}

// validPath reports whether a name stays inside the module's folder.
func validPath(name string) bool {
	return name != "." && fs.ValidPath(name) && path.Clean(name) == name && !strings.Contains(name, `\`)
}

func hasParent(p string) bool {
	return slices.Contains(strings.FieldsFunc(p, func(r rune) bool { return strings.ContainsRune(`/\=&?`, r) }), "..")
}
