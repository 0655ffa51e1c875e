package jobspec

import (
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/dynsvc/dynsvc/service"
)

// sample is a version that uses every part of a template. Its values have
// "sample" in them, by which checkQuotes knows them.
func sample(driver string) (service.Version, Placement) {
	v := service.Version{
		ID: "dyn-sample-00000000", Module: "Sample", Version: "0.0.0-sample", Commit: "00000000", Digest: unsigned,
		Run: service.Run{
			Port: 5000, Env: map[string]string{"SAMPLE": "sample"}, Secrets: []string{"SECRET"},
			Health:    service.Health{Path: "/sample", StartDeadline: service.Duration{Duration: time.Minute}},
			StopGrace: service.Duration{Duration: time.Second},
		},
		Resources: service.Resources{
			CPU: 100, Memory: 64, MemoryMax: 128, Disk: 300,
			GPUs: []service.GPU{{Name: "sample/gpu", Count: 1, MinMemory: 1024, Model: "sample"}},
		},
		Scale: service.Scale{Max: 1, Concurrency: 1, MaxConcurrency: 1, IdleAfter: service.Duration{Duration: time.Minute}},
	}
	if driver == Docker {
		v.Run.Image = "sample:1"
		v.Given = &service.Given{KBase: true, Volumes: []service.Volume{{Source: "sample", Target: "/sample", ReadOnly: true}}}
	} else {
		v.Run.Artifact, v.Run.Checksum = "https://sample.example.org/sample.tar.gz", unsigned
		v.Run.Command, v.Run.Args = "bin/sample", []string{"sample"}
	}
	return v, Placement{Driver: driver, Classes: []string{"sample-a", "sample-b"}, Tightest: "sample-a", Pool: "sample", Datacenters: []string{"sample"}}
}

// checkQuotes finds a value of the sample that stands outside of quotes. That
// happens where a template puts quotes around a value, which brings its own:
// they close at once, and the value is bare.
func checkQuotes(text, name string) error {
	tokens, diags := hclsyntax.LexConfig([]byte(text), name, hcl.InitialPos)
	if diags.HasErrors() {
		return service.Errorf(service.ErrInvalid, "%w", diags)
	}
	lines := strings.Split(text, "\n")
	for _, t := range tokens {
		// The form with underscores is a [Word], which may stand bare.
		bare := string(t.Bytes)
		if t.Type == hclsyntax.TokenIdent && strings.Contains(bare, "sample") && !strings.Contains(bare, "_sample_") {
			return service.Errorf(service.ErrInvalid, "%s: a value brings its own quotes, leave those around it out: %s", name, strings.TrimSpace(lines[t.Range.Start.Line-1]))
		}
	}
	return nil
}
