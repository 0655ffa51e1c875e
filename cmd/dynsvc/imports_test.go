package main

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/dynsvc/dynsvc/"

// allowed is the house: which of our packages a package may import. Imports run
// toward service, never back; gateway, scheduler, nomad and consul do not know
// one another, cmd/dynsvc plugs them together.
var allowed = map[string][]string{
	"service":    nil,
	"kidl":       nil,
	"templates":  nil,
	"store":      {"service"},
	"auth":       {"service", "store"},
	"catalog":    {"service", "kidl", "store"},
	"jobspec":    {"service", "templates"},
	"forecast":   nil,
	"scheduler":  {"service", "store", "forecast"},
	"simulation": {"service", "scheduler", "forecast"},
	"jobs":       {"service", "store"},
	"nomad":      {"service"},
	"consul":     {"service"},
	"local":      {"service"},
	"upstream":   nil,
	"lane":       nil,
	"metrics":    {"service"},
	"gateway":    {"service", "upstream"},
	"relay":      {"service", "upstream"},
	"journal":    {"service"},
	"builds":     {"service", "journal"},
	"repos":      {"service", "store", "catalog", "journal"},
	"server":     {"service", "repos", "auth", "catalog", "store", "scheduler", "jobspec", "jobs", "sdk/gen"},
	"backup":     {"service"},
	"cmd/dynsvc": {"service", "backup", "repos", "builds", "journal", "templates", "store", "auth", "auth/kbaseauth", "catalog", "jobspec", "scheduler", "jobs", "nomad", "consul", "local", "gateway", "relay", "lane", "metrics", "server", "server/kbase", "simulation", "kidl", "sdk/gen", "workshop", "examples"},

	"auth/kbaseauth": nil,
	"server/kbase":   {"service", "kidl", "catalog", "store"},
	"workshop":       {"service", "kidl", "catalog", "sdk/gen"},

	"sdk":         nil,
	"sdk/sdktest": {"sdk"},
	"sdk/gen":     {"kidl"},

	// The runtimes as files.
	"github.com/dynsvc/dynsvc": nil,

	// What follows is not part of the product.
	"examples":             nil,
	"e2e":                  {"service", "e2e/cluster"},
	"e2e/bench":            {"service", "store", "e2e/cluster", "gateway"},
	"e2e/bench/answer":     nil,
	"e2e/cluster":          nil,
	"e2e/devcluster":       {"e2e/cluster"},
	"e2e/soak":             {"service", "e2e/cluster", "e2e/soak/content"},
	"e2e/soak/content":     nil,
	"e2e/soak/worker":      {"e2e/soak/content"},
	"sdk/conformance":      nil,
	"sdk/conformance/echo": {"sdk"},
}

// sole names the only package that may import a library.
var sole = map[string]string{
	"github.com/hashicorp/nomad/api":  "nomad",
	"github.com/hashicorp/consul/api": "consul",
	"github.com/mattn/go-sqlite3":     "store",
	"gonum.org/v1/plot":               "simulation",

	"github.com/prometheus/client_golang/prometheus": "metrics",
}

// TestImportsFollowTheTable reads the imports of every package, without those of tests.
func TestImportsFollowTheTable(t *testing.T) {
	out, err := exec.CommandContext(context.Background(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], module)
		may, known := allowed[name]
		if !known {
			t.Errorf("package %s is not in the table: give it a line, or put its files into a room that exists", name)
		}
		for _, path := range fields[1:] {
			if only, ok := sole[path]; ok && name != only && !strings.HasPrefix(name, "e2e") {
				t.Errorf("%s imports %s, which only %s may", name, path, only)
			}
			if strings.HasPrefix(path, "github.com/hashicorp/nomad") && path != "github.com/hashicorp/nomad/api" ||
				strings.HasPrefix(path, "github.com/hashicorp/consul") && path != "github.com/hashicorp/consul/api" {
				t.Errorf("%s imports %s: of Nomad and Consul only the api modules may enter the product", name, path)
			}
			if ours, ok := strings.CutPrefix(path, module); ok && !slices.Contains(may, ours) {
				t.Errorf("%s imports %s, which the table does not allow", name, ours)
			}
		}
	}
}
