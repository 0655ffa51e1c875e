package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/gateway"
)

// Strangers are limited unless the operator says otherwise; callers on the agent's
// machine only if the operator says so.
func TestCallersWithoutANameAreLimitedByDefault(t *testing.T) {
	strangers := gateway.Quota{Rate: 200, Burst: 1000, InFlight: 1000}
	for text, want := range map[string]gateway.CallerLimits{
		"":                                {Anonymous: strangers, SpareLocal: true},
		"known {\n    in_flight = 3\n  }": {Known: gateway.Quota{InFlight: 3}, Anonymous: strangers, SpareLocal: true},
		"anonymous {\n    rate = 2\n  }":  {Anonymous: gateway.Quota{Rate: 2}},
		"anonymous {}":                    {},
	} {
		path := filepath.Join(t.TempDir(), "dynsvc.hcl")
		if err := os.WriteFile(path, []byte("token = \"t\"\nauth {\n  limits {\n  "+text+"\n  }\n}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := loadConfig(path, "")
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, c.Auth.Limits.limits()); diff != "" {
			t.Errorf("%s: -want +got:\n%s", text, diff)
		}
	}
}
