package jobspec_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var nomadAddr = flag.String("nomad", "", "with -update: the address of a Nomad whose parser writes parsed.json and canonical.json anew")

// TestVerifyAccepts checks every golden job as the real Nomad has parsed it,
// with and without its defaults filled in.
func TestVerifyAccepts(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*/input.json")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, input := range inputs {
		dir := filepath.Dir(input)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			r, v, p := readCase(t, dir)
			job, err := r.Render(v, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"parsed.json", "canonical.json"} {
				file := filepath.Join(dir, name)
				if *update && *nomadAddr != "" {
					parsed := parseAt(t, *nomadAddr, job.HCL, name == "canonical.json")
					if err := os.WriteFile(file, parsed, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				parsed, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Contains(parsed, []byte(job.Digest)) {
					t.Errorf("%s is of an older job: rewrite it with -update -nomad ADDR", name)
				}
				if err := r.Verify(v, p, parsed); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func parseAt(t *testing.T, addr, text string, canonical bool) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{"JobHCL": text, "Canonicalize": canonical})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, addr+"/v1/jobs/parse", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	parsed, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("parse: %s: %s %v", resp.Status, parsed, err)
	}
	// Read and written again: Nomad's order of keys differs from call to call.
	var job any
	if err := json.Unmarshal(parsed, &job); err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(job, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}

// TestVerifyRefuses changes one thing in a job that is right otherwise.
func TestVerifyRefuses(t *testing.T) {
	const (
		group   = "TaskGroups.0."
		task    = group + "Tasks.0."
		config  = task + "Config."
		network = group + "Networks.0."
		proxy   = group + "Services.0.Connect.SidecarTask."
	)
	tests := []struct {
		dir, set, to string // to is JSON
		want         string // in the error
	}{
		{"docker-plain", "ID", `"other"`, "job: ID"},
		{"docker-plain", "Type", `"system"`, "job: Type"},
		{"docker-plain", "Namespace", `"other"`, "job: Namespace"},
		{"docker-plain", "Region", `"east"`, "job: Region"},
		{"docker-plain", "NodePool", `"gpu"`, "job: NodePool"},
		{"docker-plain", "Datacenters", `["dc9"]`, "job: Datacenters"},
		{"docker-plain", "Constraints", `null`, "node classes general, highmem"},
		{"docker-plain", "Update", `null`, "MaxParallel"},
		{"docker-plain", "Update.MaxParallel", `1`, "MaxParallel"},
		{"docker-plain", "Meta.dynsvc_module", `"Other"`, "dynsvc_module"},
		{"docker-plain", "Meta.dynsvc_spec", `"x"`, "dynsvc_spec"},
		{"docker-plain", "Periodic", `{"Enabled":true}`, "job: Periodic"},
		{"docker-plain", "ParameterizedJob", `{"Payload":"required"}`, "job: ParameterizedJob"},
		{"docker-plain", "Multiregion", `{"Regions":[{"Name":"a"}]}`, "job: Multiregion"},
		{"docker-plain", "FromALaterNomad", `{"x":1}`, "job: FromALaterNomad"},
		{"docker-plain", "TaskGroups", `[]`, "0 TaskGroups"},
		{"docker-plain", "TaskGroups", `"x"`, "should be a list"},
		{"docker-plain", group + "Name", `"web"`, "Name"},
		{"docker-plain", group + "Count", `1`, "Count"},
		{"docker-plain", group + "Volumes", `{"v":{"Type":"host","Source":"root"}}`, "Volumes"},
		{"docker-plain", group + "Scaling.Min", `1`, "Min"},
		{"docker-plain", group + "Scaling.Max", `99`, "Max"},
		{"docker-plain", network + "Mode", `"host"`, "Mode"},
		{"docker-plain", network + "ReservedPorts", `[{"Label":"ssh","Value":22}]`, "ReservedPorts"},
		{"docker-plain", network + "DynamicPorts.0.To", `22`, "To"},
		{"docker-plain", network + "DynamicPorts.0.HostNetwork", `"admin"`, "HostNetwork"},
		{"docker-plain", group + "Services.0.Name", `"consul"`, "Name"},
		{"docker-plain", group + "Services.0.Connect", `{"Native":true}`, "Native"},
		{"docker-plain", group + "Services.0.Checks.0.Type", `"script"`, "must not run a program"},
		{"docker-plain", task + "Name", `"evil"`, "Name"},
		{"docker-plain", task + "Driver", `"raw_exec"`, "Driver"},
		{"docker-plain", task + "User", `"root"`, "administrator"},
		{"docker-plain", task + "User", `"0:0"`, "administrator"},
		{"docker-plain", task + "VolumeMounts", `[{"Volume":"v"}]`, "VolumeMounts"},
		{"docker-plain", task + "Artifacts", `[{"GetterSource":"https://evil.example.org"}]`, "1 Artifacts"},
		{"docker-plain", task + "Templates", `[{"EmbeddedTmpl":"x"}]`, "1 Templates"},
		{"docker-plain", task + "Lifecycle", `{"Hook":"prestart"}`, "Lifecycle"},
		{"docker-plain", task + "Vault", `{"Role":"admin"}`, "Vault"},
		{"docker-plain", task + "Identities", `[{"Name":"aws"}]`, "Identities"},
		{"docker-plain", task + "Env.LOG_LEVEL", `"debug"`, "LOG_LEVEL"},
		{"docker-plain", task + "Env.PORT", `"1"`, "PORT"},
		{"docker-plain", task + "Resources.CPU", `50000`, "CPU"},
		{"docker-plain", task + "Resources.Cores", `4`, "Cores"},
		{"docker-plain", task + "Resources.MemoryMaxMB", `4096`, "MemoryMaxMB"},
		{"docker-plain", task + "Resources.Devices", `[{"Name":"nvidia/gpu","Count":1}]`, "1 Devices"},
		{"docker-plain", task + "KillTimeout", `1`, "KillTimeout"},
		{"docker-plain", config + "image", `"evil:1"`, "image"},
		{"docker-plain", config + "privileged", `true`, "privileged"},
		{"docker-plain", config + "privileged", `false`, "privileged"},
		{"docker-plain", config + "network_mode", `"host"`, "network_mode"},
		{"docker-plain", config + "pid_mode", `"host"`, "pid_mode"},
		{"docker-plain", config + "volumes", `["/:/host"]`, "volumes"},
		{"docker-plain", config + "mount", `[{"type":"bind","source":"/"}]`, "mount"},
		{"docker-plain", config + "devices", `[{"host_path":"/dev/kmem"}]`, "devices"},
		{"docker-plain", config + "cap_add", `["SYS_ADMIN"]`, "cap_add"},
		{"docker-plain", config + "security_opt", `["seccomp=unconfined"]`, "security_opt"},
		{"docker-plain", config + "command", `"sh"`, "command"},
		{"docker-gpu", task + "Resources.Devices.0.Count", `2`, "Count"},
		{"docker-gpu", task + "Resources.Devices.0.Constraints", `null`, "0 Constraints"},
		{"docker-secrets", task + "Templates.0.EmbeddedTmpl", `"{{ with nomadVar \"dynsvc/modules/other\" }}"`, "does not read just"},
		{"docker-secrets", task + "Templates.0.EmbeddedTmpl", `"{{ with nomadVar \"dynsvc/modules/filtercontigs\" }}{{ key \"x\" }}"`, "calls key"},
		{"docker-secrets", task + "Templates.0.DestPath", `"local/../../x"`, "DestPath"},
		{"docker-secrets", task + "Templates.0.LeftDelim", `"<<"`, "LeftDelim"},
		{"docker-secrets", task + "Templates.0.SourcePath", `"/etc/shadow"`, "SourcePath"},
		{"exec-artifact-plain", task + "Artifacts.0.GetterSource", `"https://evil.example.org"`, "GetterSource"},
		{"exec-artifact-plain", task + "Artifacts.0.GetterOptions", `null`, "checksum"},
		{"exec-artifact-plain", task + "Artifacts.0.RelativeDest", `"../"`, "RelativeDest"},
		{"exec-artifact-plain", config + "command", `"/bin/sh"`, "command"},
		{"exec-artifact-plain", config + "args", `["-c","id"]`, "args"},
		{"exec-artifact-plain", config + "work_dir", `"/"`, "work_dir"},
		{"exec-artifact-plain", config + "cap_add", `["sys_admin"]`, "cap_add"},
		{"exec-artifact-plain", config + "pid_mode", `"host"`, "pid_mode"},
		{"docker-connect", network + "Mode", `"host"`, "Mode"},
		{"docker-connect", network + "DynamicPorts", `[{"Label":"http","To":5000}]`, "1 DynamicPorts"},
		{"docker-connect", proxy + "Config", `{"privileged":true}`, "privileged"},
		{"docker-connect", group + "Services.0.Connect.Gateway", `{"Mesh":{"x":1}}`, "Gateway"},
		{"docker-connect", group + "Services.0.Connect.SidecarService.Proxy", `{"Upstreams":[{"DestinationName":"db"}]}`, "Proxy"},
		{"docker-connect-consul", proxy + "Config.command", `"/bin/sh"`, "command"},
		{"docker-connect-consul", proxy + "Config.args", `["-c","id"]`, "args"},
		{"docker-connect-consul", proxy + "Driver", `"exec"`, "Driver"},
		{"docker-connect-consul", proxy + "User", `"root"`, "User"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s/%s=%s", tt.dir, tt.set, tt.to), func(t *testing.T) {
			dir := filepath.Join("testdata", tt.dir)
			r, v, p := readCase(t, dir)
			parsed, err := os.ReadFile(filepath.Join(dir, "parsed.json"))
			if err != nil {
				t.Fatal(err)
			}
			err = r.Verify(v, p, change(t, parsed, tt.set, tt.to))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestVerifyNeedsJSON(t *testing.T) {
	r, v, p := readCase(t, "testdata/docker-plain")
	for _, text := range []string{"", "null", "[]", "{", `{}`, `"x"`} {
		if err := r.Verify(v, p, []byte(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

// TestVerifyAllowsHarmless: what an operator may well want in his templates.
func TestVerifyAllowsHarmless(t *testing.T) {
	r, v, p := readCase(t, "testdata/docker-plain")
	parsed, err := os.ReadFile("testdata/docker-plain/parsed.json")
	if err != nil {
		t.Fatal(err)
	}
	for path, to := range map[string]string{
		"Priority":                             `70`,
		"Meta.team":                            `"core"`,
		"Spreads":                              `[{"Attribute":"${node.datacenter}"}]`,
		"TaskGroups.0.Tasks.0.Config.runtime":  `"nvidia"`,
		"TaskGroups.0.Tasks.0.Config.cap_drop": `["ALL"]`,
		"TaskGroups.0.Tasks.0.User":            `"nobody"`,
		"TaskGroups.0.Tasks.0.Env.HTTP_PROXY":  `"http://proxy.example.org"`,
		"TaskGroups.0.Services.0.Tags":         `["a","b"]`,
	} {
		if err := r.Verify(v, p, change(t, parsed, path, to)); err != nil {
			t.Errorf("%s = %s: %v", path, to, err)
		}
	}
}

// change sets one field, found by its path of names and indexes.
func change(t *testing.T, parsed []byte, path, to string) []byte {
	t.Helper()
	var root, value any
	if err := json.Unmarshal(parsed, &root); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(to), &value); err != nil {
		t.Fatalf("%s: %v", to, err)
	}
	at := root
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		switch in := at.(type) {
		case map[string]any:
			at = in[name]
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil {
				t.Fatal(err)
			}
			at = in[i]
		}
	}
	fields, ok := at.(map[string]any)
	if !ok {
		t.Fatalf("%s: nothing there", path)
	}
	fields[names[len(names)-1]] = value
	out, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
