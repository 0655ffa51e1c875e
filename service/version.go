package service

import (
	"slices"
	"time"
)

// Version is one immutable registration of a module: what its manifest said,
// with the operator's defaults filled in, and where it came from.
type Version struct {
	ID          ID       `json:"id"`
	Module      string   `json:"module"`
	Version     string   `json:"version"`              // semver, without a leading v
	Commit      string   `json:"commit,omitempty"`     // git commit, lower-case hex
	Repository  string   `json:"repository,omitempty"` // URL of the git repository that Commit is in
	Digest      string   `json:"digest"`               // "sha256:…" over the registered files
	Bundle      string   `json:"bundle,omitempty"`     // "sha256:…" of the uploaded archive as it is stored
	Description string   `json:"description,omitempty"`
	Owners      []string `json:"owners,omitempty"`
	Manifest    string   `json:"manifest"`            // name of the manifest file
	Interface   string   `json:"interface,omitempty"` // name of the interface file; empty: raw HTTP
	Apps        string   `json:"apps,omitempty"`      // folder of narrative apps, listed and not run

	AppIDs         []string `json:"app_ids,omitempty"`         // the apps in it
	LocalFunctions []string `json:"local_functions,omitempty"` // functions of KBase's narrative, listed and not run
	Language       string   `json:"language,omitempty"`        // as kbase.yml says
	DataVersion    string   `json:"data_version,omitempty"`    // of reference data, as kbase.yml says
	CommitMessage  string   `json:"commit_message,omitempty"`
	Registration   string   `json:"registration,omitempty"` // id of the build that registered it from git; empty: an upload

	Run       Run       `json:"run"`
	Resources Resources `json:"resources"`
	Scale     Scale     `json:"scale"`
	Limits    Limits    `json:"limits,omitzero"` // of every call that has none of its method
	Wait      Wait      `json:"wait,omitempty"`  // what a browser sees while the service starts
	Methods   []Method  `json:"methods,omitempty"`
	Typed     bool      `json:"typed,omitempty"` // the interface was read: Methods and status are all there are
	Access    Access    `json:"access,omitzero"`

	RegisteredAt time.Time `json:"registered_at"`
	RegisteredBy string    `json:"registered_by,omitempty"`
	Released     bool      `json:"released,omitempty"` // carried beta or release at any time: its semver means these contents

	Given *Given `json:"given,omitempty"` // while it is deployed; never stored
}

// Run is what to run. Exactly one of Image, Artifact or Command alone says so;
// an Artifact also has a Command, the program inside it. A Dockerfile says how the
// Image is made where images are built, beside a Command for where they are not.
type Run struct {
	Image      string            `json:"image,omitempty"`
	Dockerfile string            `json:"dockerfile,omitempty"` // path in the module; with Image: that was built from it
	Artifact   string            `json:"artifact,omitempty"`   // a go-getter URL
	Checksum   string            `json:"checksum,omitempty"`   // "sha256:…" of the artifact
	Command    string            `json:"command,omitempty"`
	Args       []string          `json:"args,omitempty"`
	Build      []string          `json:"build,omitempty"` // what its author's machine runs before the files are read; never run by an agent
	Port       int               `json:"port"`            // where it listens; also in $PORT
	Protocol   Protocol          `json:"protocol,omitempty"`
	Env        map[string]string `json:"env,omitempty"`
	Secrets    []string          `json:"secrets,omitempty"` // names only
	Health     Health            `json:"health"`
	StopGrace  Duration          `json:"stop_grace"`
}

// Protocol is what the program speaks.
type Protocol string

// The protocols.
const (
	HTTP1 Protocol = ""    // HTTP/1.1
	H2C   Protocol = "h2c" // HTTP/2 without TLS and without asking first
)

// Wait is what a browser that meets a cold service gets.
type Wait string

// The ways to wait.
const (
	Hold Wait = ""     // the service's own page, as soon as it can
	Page Wait = "page" // a small page that looks again until the service can
)

// Health says how to tell that an instance can answer.
type Health struct {
	Path          string   `json:"path"`
	StartDeadline Duration `json:"start_deadline"`
}

// Resources of one instance.
type Resources struct {
	CPU       int   `json:"cpu"`                  // MHz
	Memory    int   `json:"memory"`               // MiB
	MemoryMax int   `json:"memory_max,omitempty"` // MiB; 0: no more than Memory
	Disk      int   `json:"disk"`                 // MiB
	GPUs      []GPU `json:"gpus,omitempty"`
}

// GPU is a demand for devices.
type GPU struct {
	Name      string `json:"name"` // as Nomad names devices, e.g. "nvidia/gpu"
	Count     int    `json:"count"`
	MinMemory int    `json:"min_memory,omitempty"` // MiB a device; 0: any
	Model     string `json:"model,omitempty"`      // part of the device's model; empty: any
}

// Scale bounds the count and says when to change it.
type Scale struct {
	Min            int      `json:"min"`
	Max            int      `json:"max"`
	Concurrency    int      `json:"concurrency"`     // calls in flight an instance is meant to have
	MaxConcurrency int      `json:"max_concurrency"` // calls in flight an instance may have
	IdleAfter      Duration `json:"idle_after"`
	IdlePrice      *float64 `json:"idle_price,omitempty"` // of an idle minute, where a cold start costs 1; nil: the agent's; 0: habits are not acted upon
	Target         Target   `json:"target,omitzero"`
	Windows        []Window `json:"windows,omitempty"`
}

// Window raises the minimum while it lasts.
type Window struct {
	Name     string   `json:"name"`
	Cron     string   `json:"cron"` // five fields; each match opens the window
	Duration Duration `json:"duration"`
	TimeZone string   `json:"time_zone,omitempty"` // IANA name; empty: UTC
	Min      int      `json:"min"`
}

// Mode says how a method may be called.
type Mode string

// The modes of a method.
const (
	Sync  Mode = "sync"
	Async Mode = "async"
	Both  Mode = "both"
)

// Authentication says what a method wants to know of its caller.
type Authentication string

// The degrees of authentication.
const (
	NoAuthentication       Authentication = "none"
	OptionalAuthentication Authentication = "optional"
	RequiredAuthentication Authentication = "required"
)

// Method is a callable function of a version.
type Method struct {
	Name       string   `json:"name"`
	Mode       Mode     `json:"mode"`
	Timeout    Duration `json:"timeout"`               // of a sync call, start of the service not counted
	JobTimeout Duration `json:"job_timeout,omitempty"` // of an async call
	Idempotent bool     `json:"idempotent,omitempty"`  // may be sent again
	Validate   *bool    `json:"validate,omitempty"`    // parameters are checked against the interface; nil: only in calls by the tag dev
	Limits     Limits   `json:"limits,omitzero"`       // where they differ from the version's; Timeout is its Total

	Authentication Authentication `json:"authentication,omitempty"` // as the interface says; empty: not known
}

// Method returns the settings of a method by its name without the module.
func (v *Version) Method(name string) (Method, bool) {
	for _, m := range v.Methods {
		if m.Name == name {
			return m, true
		}
	}
	return Method{}, false
}

// Tags that a version can carry.
const (
	Dev     = "dev"
	Beta    = "beta"
	Release = "release"
)

// Module is what callers can route to: all versions of a name and its tags.
type Module struct {
	Name     string        `json:"name"`
	Owners   []string      `json:"owners,omitempty"`
	Tags     map[string]ID `json:"tags"`     // tag -> service id
	Versions []Version     `json:"versions"` // newest registration first

	Splits map[string]Split `json:"splits,omitempty"` // tag -> the second version that shares its calls
}

// TagsOf returns the tags that mean the service, sorted.
func (m *Module) TagsOf(id ID) []string {
	var tags []string
	for tag, to := range m.Tags {
		if to == id {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	return tags
}
