package kbase_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/service"
)

// TestClients drives the services with clients that do what KBase's do on the wire,
// in three languages. They are written from a description of the protocol, since
// the originals are not ours to keep; docs/kbase.md says how to drive those.
func TestClients(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.register(module(t, "Hello", "0.0.1"), commitA, service.Beta, service.Release)
	wizard := w.url + "/services/service_wizard"
	failure := func(code float64, message string) map[string]any {
		return map[string]any{"name": "Server error", "code": code, "message": message, "data": message}
	}
	traced := func(message string) map[string]any {
		f := failure(-32000, message)
		f["data"] = "Traceback (most recent call last):\n" + message
		return f
	}
	want := map[string]any{
		"hello":     map[string]any{"text": "hello Zoë"},
		"add":       3.0,
		"whoami":    "the bearer of ADA",
		"anonymous": traced("Authentication required for Hello but no authentication header was passed"),
		"fail":      traced("it broke"),
		"module":    failure(-32000, "Module cannot be found based on module_name or git_url parameters."),
		"version":   failure(-32000, "No module version found that matches your criteria!"),
		"function":  map[string]any{"name": "Method not found", "code": -32601.0, "message": "", "data": ""},
	}
	for name, command := range map[string][]string{
		"Python":     {python(), "testdata/clients/client.py"},
		"JavaScript": {"node", "testdata/clients/client.mjs"},
		"Java":       {"java", "-cp", "/usr/share/java/jackson-core.jar:/usr/share/java/jackson-databind.jar:/usr/share/java/jackson-annotations.jar", "testdata/clients/Client.java"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), command[0], append(command[1:], wizard, "ADA")...).Output()
			if err != nil {
				stderr := ""
				if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // exec's own
					stderr = string(exit.Stderr)
				}
				t.Fatalf("%v (scripts/test unit installs what is missing)\n%s", err, stderr)
			}
			var got map[string]any
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if name == "Java" { // its map of strings says null
				got["function"].(map[string]any)["message"] = ""
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// python is Debian's own where there is another before it: that has requests.
func python() string {
	if _, err := os.Stat("/usr/bin/python3"); err == nil {
		return "/usr/bin/python3"
	}
	return "python3"
}
