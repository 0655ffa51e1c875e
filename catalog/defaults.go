package catalog

import (
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// Defaults are what the operator gives a version where its manifest says
// nothing. Start from [StandardDefaults] and change what differs.
type Defaults struct {
	Port          int              // where the program listens
	HealthPath    string           // what answers when it is ready
	StartDeadline service.Duration // from the placement of an instance to its first answer
	StopGrace     service.Duration // from the request to stop until it is killed

	Resources service.Resources // CPU, Memory, MemoryMax and Disk; GPUs are never given by default
	Scale     service.Scale     // all but Windows

	GPUIdleAfter service.Duration // Scale.IdleAfter of a version with GPUs, where that is longer

	Maxima service.Limits // what a manifest may set its limits to at most; zero: anything

	Timeout    service.Duration // of a sync call
	JobTimeout service.Duration // of an async call

	// KBaseImage is the image of a module that is described by kbase.yml, which
	// cannot name one. In it {module} stands for the module's name,
	// {module_lower} for that in lower case, {version} for its semver and
	// {commit} for the commit below, e.g.
	// "registry.example.org/kbase/{module_lower}:{commit}". Empty: such modules
	// are refused, with a text that names this setting.
	KBaseImage string

	// Commit is the git commit of the files that are read; empty: not known.
	Commit string
}

// StandardDefaults are the defaults of an operator who sets none.
func StandardDefaults() Defaults {
	return Defaults{
		Port:          5000,
		HealthPath:    "/",
		StartDeadline: service.Duration{Duration: 2 * time.Minute},
		StopGrace:     service.Duration{Duration: 30 * time.Second},
		Resources:     service.Resources{CPU: 500, Memory: 512, Disk: 300},
		Scale: service.Scale{
			Min: 0, Max: 10, Concurrency: 10, MaxConcurrency: 50,
			IdleAfter: service.Duration{Duration: 10 * time.Minute},
		},
		GPUIdleAfter: service.Duration{Duration: 30 * time.Minute},

		Timeout:    service.Duration{Duration: 5 * time.Minute},
		JobTimeout: service.Duration{Duration: 2 * time.Hour},
	}
}

// version is what a manifest starts from.
func (d *Defaults) version() service.Version {
	v := service.Version{
		Run: service.Run{
			Port:      d.Port,
			Health:    service.Health{Path: d.HealthPath, StartDeadline: d.StartDeadline},
			StopGrace: d.StopGrace,
		},
		Resources: d.Resources,
		Scale:     d.Scale,
	}
	v.Resources.GPUs, v.Scale.Windows = nil, nil
	return v
}

func (d *Defaults) method(name string) service.Method {
	return service.Method{Name: name, Mode: service.Sync, Timeout: d.Timeout, JobTimeout: d.JobTimeout}
}
