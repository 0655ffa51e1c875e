//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/server"
)

// serviceStatus is what KBase's clients read of a service.
type serviceStatus struct {
	Module string `json:"module_name"`
	Commit string `json:"git_commit_hash"`
	URL    string
	Up     int
	Status string
}

// rpc calls a method as an admin.
func (a *agent) rpc(url, method string, result any, params ...any) {
	a.t.Helper()
	a.rpcAs(adminToken, url, method, result, params...)
}

// rpcAs calls a method as KBase's clients do: no content type, the bare token.
func (a *agent) rpcAs(token, url, method string, result any, params ...any) {
	a.t.Helper()
	rpcAs(a.t, token, url, method, result, params...)
}

// rpcAs calls a method at a URL.
func rpcAs(t *testing.T, token, url, method string, result any, params ...any) {
	t.Helper()
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"version": "1.1", "id": "1", "method": method, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("AUTHORIZATION", token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var reply struct {
		Result []json.RawMessage
		Error  any
	}
	if err := json.Unmarshal(text, &reply); err != nil || res.StatusCode != http.StatusOK || reply.Error != nil {
		t.Fatalf("%s was answered with %d %s", method, res.StatusCode, text)
	}
	if result != nil {
		if err := json.Unmarshal(reply.Result[0], result); err != nil {
			t.Fatalf("%s: %v: %s", method, err, text)
		}
	}
}

func (a *agent) text(url string) string {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		a.t.Fatalf("GET %s: %d %s %v", url, res.StatusCode, text, err)
	}
	return string(text)
}

// TestAKBaseModuleRunsAsItIs takes a module with KBase's manifest from registration
// to release and calls, as KBase's clients, owners and admins do it.
func TestAKBaseModuleRunsAsItIs(t *testing.T) {
	t.Parallel()
	a := newAgent(t, fmt.Sprintf(`%s
defaults {
  cpu         = 100
  memory      = 64
  disk        = 50
  kbase_image = %q
}
kbase {
  auth_url = "https://auth.example.org/services/auth"
}`, plain, echoImage(t)))
	dir := t.TempDir()
	for name, text := range map[string]string{
		"kbase.yml": "module-name: Kb_Echo\nmodule-description: Echoes.\nservice-language: go\nmodule-version: 0.0.1\n" +
			"owners: [ada]\nservice-config: {dynamic-service: true, idle-after: 5m}\n",
		"Kb_Echo.spec": "module Kb_Echo {\n  funcdef echo(string text) returns (list<string> texts, UnspecifiedObject facts);\n};\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var registered server.Registered
	if err := json.Unmarshal([]byte(a.do("register", dir, "-json")), &registered); err != nil {
		t.Fatal(err)
	}
	v := registered.Version
	t.Cleanup(func() { purge(t, v.ID) })
	wizard, catalog := a.url+"/services/service_wizard", a.url+"/services/catalog"

	const secret = "100% \"sure\"\nof it"
	a.rpc(catalog, "Catalog.set_secure_config_params", nil, map[string]any{"data": []any{
		map[string]any{"module_name": "kb_echo", "version": "", "param_name": "Password", "is_password": 1, "param_value": secret}}})

	var at serviceStatus
	a.rpc(wizard, "ServiceWizard.get_service_status", &at, map[string]any{"module_name": "KB_ECHO", "version": "dev"})
	if at.Module != "Kb_Echo" || !strings.HasPrefix(at.URL, a.url+"/dynserv/Kb_Echo.") || at.Status != "active" && at.Status != "starting" {
		t.Errorf("status %+v", at)
	}
	var echoed []string
	a.rpc(at.URL, "Kb_Echo.echo", &echoed, "hello")
	if !slices.Equal(echoed, []string{"hello"}) {
		t.Errorf("echoed %q", echoed)
	}

	var env map[string]string
	if err := json.Unmarshal([]byte(a.text(at.URL+"/env")), &env); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"KBASE_ENDPOINT": a.url + "/services", "AUTH_SERVICE_URL_ALLOW_INSECURE": "false", "KBASE_SECURE_CONFIG_PARAM_Password": secret,
		"AUTH_SERVICE_URL": "https://auth.example.org/services/auth/api/legacy/KBase/Sessions/Login",
	} {
		if env[name] != want {
			t.Errorf("%s = %q, want %q", name, env[name], want)
		}
	}
	properties := a.text(at.URL + "/file?path=/kb/module/work/config.properties")
	for _, want := range []string{"[global]\n", "workspace_url = " + a.url + "/services/ws\n", "auth_service_url = https://auth.example.org", "Password = 100%% \"sure\"\n of it\n"} {
		if !strings.Contains(properties, want) {
			t.Errorf("config.properties has no %q:\n%s", want, properties)
		}
	}

	waitFor(t, "the instance's output", 15*time.Second, func(context.Context) error { // Docker hands it on when it likes
		var logs []struct{ Log []string }
		a.rpc(wizard, "ServiceWizard.get_service_log", &logs, map[string]any{"service": map[string]any{"module_name": "Kb_Echo", "version": at.Commit}})
		if len(logs) != 1 || !strings.Contains(strings.Join(logs[0].Log, ""), "listening on") {
			return fmt.Errorf("logs %+v", logs)
		}
		return nil
	})

	a.rpc(wizard, "ServiceWizard.stop", nil, map[string]any{"module_name": "Kb_Echo", "version": "dev"})
	waitFor(t, "the service to be gone", 30*time.Second, func(ctx context.Context) error { return emptied(ctx, v) })
	a.rpc(at.URL, "Kb_Echo.echo", nil, "woken by plain traffic")

	for _, step := range []string{"push_dev_to_beta", "request_release"} {
		a.rpc(catalog, "Catalog."+step, nil, map[string]any{"module_name": "Kb_Echo"})
	}
	a.rpc(catalog, "Catalog.review_release_request", nil, map[string]any{"module_name": "Kb_Echo", "decision": "approved"})
	for _, version := range []any{nil, "release", "0.0.1", ">=0.0.1,<1.0.0", at.Commit} {
		var found serviceStatus
		a.rpc(wizard, "ServiceWizard.get_service_status", &found, map[string]any{"module_name": "Kb_Echo", "version": version})
		if found.URL != at.URL || found.Up != 1 {
			t.Errorf("%v: %+v", version, found)
		}
	}
	if j := job(t, v); *j.TaskGroups[0].Tasks[0].Resources.CPU != 100 {
		t.Errorf("the operator's defaults do not hold: %+v", j.TaskGroups[0].Tasks[0].Resources)
	}
}
