package jobspec

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"text/template"
	"time"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/dynsvc/dynsvc/service"
)

// BuildSettings are the operator's, for the job that builds images.
type BuildSettings struct {
	Job         string   // its id; empty: dynsvc-build
	Namespace   string   // empty: default
	Region      string   // empty: the region of the server that is asked
	Datacenters []string // empty: all
	Pool        string   // node pool; empty: all
	Class       string   // of the nodes that build; empty: builder

	Registry     string        // what the names of images begin with, e.g. "registry.example.org/dynsvc"
	PullRegistry string        // host of the registry whose base images need a credential; empty: none does
	Docker       string        // the docker program on those nodes; empty: docker, by PATH
	DockerHost   string        // its daemon; empty: the program's own default
	CPU          int           // MHz; 0: 1000
	Memory       int           // MiB; 0: 1024
	Disk         int           // MiB for the module's files and the log; 0: 1024
	Time         time.Duration // of a build, and again of a push; 0: 30 min
}

// BuildMeta are the names of what each build is dispatched with.
var BuildMeta = []string{"bundle", "checksum", "dockerfile", "image"}

// BuilderClass is the node class that builds where the operator names none.
const BuilderClass = "builder"

// What a push takes, in MHz and MiB, and how large a file of a log grows, in MiB.
const (
	pushCPU, pushMemory = 100, 128
	buildLogSize        = 20
)

// buildName is the name of the template, and buildID what the job may be called: it
// is a part of a variable's path, and must not be taken for a service.
const buildName = "build" + extension

var buildID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// servicePrefix begins the ids of services.
const servicePrefix = "dyn-"

func (s *BuildSettings) fill() error {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	s.Job = cmp.Or(s.Job, "dynsvc-build")
	s.Namespace = cmp.Or(s.Namespace, "default")
	if len(s.Datacenters) == 0 {
		s.Datacenters = []string{"*"}
	}
	s.Pool, s.Class = cmp.Or(s.Pool, poolAll), cmp.Or(s.Class, BuilderClass)
	s.Docker = cmp.Or(s.Docker, "docker")
	s.CPU, s.Memory, s.Disk = cmp.Or(s.CPU, 1000), cmp.Or(s.Memory, 1024), cmp.Or(s.Disk, 1024)
	s.Time = cmp.Or(s.Time, 30*time.Minute)
	s.Registry = strings.TrimSuffix(s.Registry, "/")
	if !buildID.MatchString(s.Job) || strings.HasPrefix(s.Job, servicePrefix) {
		fault("job %q: it is named with lower-case letters, digits and dashes, and does not begin with %s, as services do", s.Job, servicePrefix)
	}
	if !strings.Contains(s.Registry, "/") || service.ValidateImage(s.Registry) != nil {
		fault("registry %q: it is what the names of images begin with, e.g. registry.example.org/dynsvc", s.Registry)
	}
	if s.PullRegistry != "" && (strings.Contains(s.PullRegistry, "/") || service.ValidateImage(s.PullRegistry+"/x") != nil) {
		fault("pull_registry %q: it is the host of a registry, e.g. registry.example.org", s.PullRegistry)
	}
	if least := 4*buildLogSize + 100; s.Disk < least {
		fault("disk %d: the logs alone may take %d MiB, so at least %d", s.Disk, 4*buildLogSize, least)
	}
	if s.CPU < 1 || s.Memory < 10 {
		fault("cpu %d and memory %d: a build needs at least 1 MHz and 10 MiB", s.CPU, s.Memory)
	}
	if s.Time < time.Second {
		fault("time %s: it is at least a second", s.Time)
	}
	if len(faults) > 0 {
		return service.Errorf(service.ErrInvalid, "builds: %s", strings.Join(faults, "; "))
	}
	return nil
}

// BuildData is what the template of the job can write, see [Data].
type BuildData struct {
	ID          Text
	Name        Label // the same, for a path
	Namespace   Text
	Region      *Text
	Datacenters List
	Pool        Text
	Class       Text
	Digest      Text
	Meta        List

	Docker       Text
	DockerHost   *Text
	Registry     Text   // host of the registry
	PullRegistry *Text  // that of private base images; nil: none are
	Seconds      Number // that a build, or a push, may take
	CPU          Number
	Memory       Number
	PushCPU      Number
	PushMemory   Number
	Disk         Number
	LogSize      Number // MiB
}

// RenderBuild writes the job that builds images, by the template in override (nil:
// none) or the built-in one. Its id is that of the job's version, and its digest is
// taken as [Renderer.Render] does.
func RenderBuild(override fs.FS, s BuildSettings) (service.Job, error) {
	if err := s.fill(); err != nil {
		return service.Job{}, err
	}
	text, err := readTemplate(override, buildName)
	if err != nil {
		return service.Job{}, err
	}
	t, err := template.New(buildName).Delims("[[", "]]").Option("missingkey=error").Funcs(refusing()).Parse(text)
	if err != nil {
		return service.Job{}, templateFault(err)
	}
	name, err := newLabel(s.Job)
	if err != nil {
		return service.Job{}, service.Errorf(service.ErrInvalid, "builds: job: %w", err)
	}
	write := func(digest string) ([]byte, error) {
		var out bytes.Buffer
		if err := t.Execute(&out, s.data(name, digest)); err != nil {
			return nil, templateFault(err)
		}
		return hclwrite.Format(out.Bytes()), nil
	}
	first, err := write(unsigned)
	if err != nil {
		return service.Job{}, err
	}
	if err := checkSyntax(first, buildName); err != nil {
		return service.Job{}, err
	}
	sum := sha256.Sum256(first)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	signed, err := write(digest)
	return service.Job{Version: service.Version{ID: service.ID(s.Job)}, HCL: string(signed), Digest: digest}, err
}

func (s *BuildSettings) data(name Label, digest string) BuildData {
	return BuildData{
		ID: newText(s.Job), Name: name, Namespace: newText(s.Namespace), Region: optionalText(s.Region), Datacenters: newList(s.Datacenters),
		Pool: newText(s.Pool), Class: newText(s.Class), Digest: newText(digest), Meta: newList(BuildMeta),
		Docker: newText(s.Docker), DockerHost: optionalText(s.DockerHost), Registry: newText(s.host()), PullRegistry: optionalText(s.PullRegistry),
		Seconds: newNumber(int(s.Time.Seconds())), CPU: newNumber(s.CPU), Memory: newNumber(s.Memory), Disk: newNumber(s.Disk),
		PushCPU: newNumber(pushCPU), PushMemory: newNumber(pushMemory), LogSize: newNumber(buildLogSize),
	}
}

// host is the part of the registry's name that a login is for.
func (s *BuildSettings) host() string {
	host, _, _ := strings.Cut(s.Registry, "/")
	if strings.ContainsAny(host, ".:") || host == "localhost" {
		return host
	}
	return "docker.io"
}

// Dispatch is what a build is dispatched with. bundles is where nodes download
// uploaded archives.
func (s BuildSettings) Dispatch(b service.Build, bundles string) (service.Batch, error) {
	if err := s.fill(); err != nil {
		return service.Batch{}, err
	}
	image, err := ImageName(s.Registry, b)
	if err != nil {
		return service.Batch{}, err
	}
	if !bundleSum.MatchString(b.Bundle) {
		return service.Batch{}, service.Errorf(service.ErrInvalid, "build %s: there is no archive of it", b.Module)
	}
	return service.Batch{Job: s.Job, Key: image + " " + b.Dockerfile, Meta: map[string]string{
		"bundle":     strings.TrimSuffix(bundles, "/") + "/" + strings.TrimPrefix(b.Bundle, "sha256:") + ".tar.gz",
		"checksum":   b.Bundle,
		"dockerfile": b.Dockerfile,
		"image":      image,
	}}, nil
}

// ImageName is the name of what a build makes, with its tag.
func ImageName(registry string, b service.Build) (string, error) {
	image := registry + "/" + imageSlug(b.Module) + ":" + b.Source
	if err := service.ValidateImage(image); err != nil {
		return "", service.Errorf(service.ErrInvalid, "build %s: %w", b.Module, err)
	}
	return image, nil
}

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

// imageSlug is a module's name as a part of an image's.
func imageSlug(module string) string {
	return cmp.Or(strings.Trim(notSlug.ReplaceAllString(strings.ToLower(module), "-"), "-"), "module")
}
