package service_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/service"
)

func seconds(n int) service.Duration {
	return service.Duration{Duration: time.Duration(n) * time.Second}
}

// sound is a version that uses every part of a manifest.
func sound() service.Version {
	return service.Version{
		Module: "FilterContigs", Version: "1.2.0", Description: "Drops\nshort contigs.", Owners: []string{"ada"},
		Interface: "FilterContigs.spec", Apps: "ui/narrative/methods",
		Run: service.Run{
			Image: "registry.example.org:5000/lab/filter-contigs:1.2.0", Port: 5000,
			Env: map[string]string{"LOG_LEVEL": "info"}, Secrets: []string{"DB_PASSWORD"},
			Health:    service.Health{Path: "/", StartDeadline: seconds(120)},
			StopGrace: seconds(30),
		},
		Resources: service.Resources{
			CPU: 500, Memory: 512, MemoryMax: 1024, Disk: 300,
			GPUs: []service.GPU{{Name: "nvidia/gpu", Count: 1, MinMemory: 24 << 10, Model: "A100"}},
		},
		Scale: service.Scale{
			Max: 10, Concurrency: 10, MaxConcurrency: 50, IdleAfter: seconds(600),
			Windows: []service.Window{{
				Name: "office hours", Cron: "0 8 * * 1-5", Duration: seconds(36000),
				TimeZone: "America/Los_Angeles", Min: 2,
			}},
		},
		Methods: []service.Method{{Name: "filter_contigs", Mode: service.Both, Timeout: seconds(60), JobTimeout: seconds(7200)}},
	}
}

func TestValidateTakesASoundVersion(t *testing.T) {
	v := sound()
	if err := v.Validate(); err != nil {
		t.Error(err)
	}
	v.Run.Image, v.Run.Command, v.Run.Args = "", "python3", []string{"server.py", ""}
	if err := v.Validate(); err != nil {
		t.Error(err)
	}
}

func TestValidateRefuses(t *testing.T) {
	tests := []struct {
		field string // the one fault's field
		text  string // part of its text
		edit  func(*service.Version)
	}{
		{"module", "letters", func(v *service.Version) { v.Module = "a b" }},
		{"version", "semantic version", func(v *service.Version) { v.Version = "1.2" }},
		{"version", "no leading v", func(v *service.Version) { v.Version = "v1.2.0" }},
		{"owners[1]", "twice", func(v *service.Version) { v.Owners = []string{"ada", "ada"} }},
		{"interface", "..", func(v *service.Version) { v.Interface = "../x.spec" }},
		{"interface", "path", func(v *service.Version) { v.Interface = "/etc/passwd" }},
		{"apps", "path", func(v *service.Version) { v.Apps = "ui/" }},
		{"run", "image, dockerfile, artifact", func(v *service.Version) { v.Run.Image = "" }},
		{"run.artifact", "with image", func(v *service.Version) { v.Run.Artifact = "https://example.org/a.tgz" }},
		{"run.command", "with image", func(v *service.Version) { v.Run.Command = "server" }},
		{"run.args", "go with command", func(v *service.Version) { v.Run.Args = []string{"x"} }},
		{"run.checksum", "go with artifact", func(v *service.Version) { v.Run.Checksum = "sha256:" + strings.Repeat("0", 64) }},
		{"run.image", "reference", func(v *service.Version) { v.Run.Image = "a b" }},
		{"run.image", "reference", func(v *service.Version) { v.Run.Image = "lab/Upper" }},
		{"run.image", "reference", func(v *service.Version) { v.Run.Image = "https://example.org/a" }},
		{"run.image", "reference", func(v *service.Version) { v.Run.Image = `a"b` }},
		{"run.port", "65535", func(v *service.Version) { v.Run.Port = 0 }},
		{"run.port", "65535", func(v *service.Version) { v.Run.Port = 65536 }},
		{"run.env.A-B", "named", func(v *service.Version) { v.Run.Env = map[string]string{"A-B": ""} }},
		{"run.env.PORT", "platform", func(v *service.Version) { v.Run.Env = map[string]string{"PORT": "1"} }},
		{"run.env.NOMAD_ADDR", "NOMAD_", func(v *service.Version) { v.Run.Env = map[string]string{"NOMAD_ADDR": ""} }},
		{"run.env.A", "U+000A", func(v *service.Version) { v.Run.Env = map[string]string{"A": "x\ny"} }},
		{"run.env.A", "U+0000", func(v *service.Version) { v.Run.Env = map[string]string{"A": "x\x00y"} }},
		{"run.env.A", "UTF-8", func(v *service.Version) { v.Run.Env = map[string]string{"A": "\xff"} }},
		{"run.env.A", "${", func(v *service.Version) { v.Run.Env = map[string]string{"A": "${NOMAD_TOKEN}"} }},
		{"run.env.A", "%{", func(v *service.Version) { v.Run.Env = map[string]string{"A": "%{ if true }"} }},
		{"run.env.A", "{{", func(v *service.Version) { v.Run.Env = map[string]string{"A": `{{ key "x" }}`} }},
		{"run.secrets[1]", "twice", func(v *service.Version) { v.Run.Secrets = []string{"A", "A"} }},
		{"run.secrets[0]", "env", func(v *service.Version) { v.Run.Secrets = []string{"LOG_LEVEL"} }},
		{"run.secrets[0]", "named", func(v *service.Version) { v.Run.Secrets = []string{""} }},
		{"run.health.path", `begins with "/"`, func(v *service.Version) { v.Run.Health.Path = "health" }},
		{"run.health.path", `begins with "/"`, func(v *service.Version) { v.Run.Health.Path = "//evil.example.org/" }},
		{"run.health.start_deadline", "1s and 1h,", func(v *service.Version) { v.Run.Health.StartDeadline = seconds(0) }},
		{"run.stop_grace", "between", func(v *service.Version) { v.Run.StopGrace = seconds(-1) }},
		{"resources.cpu", "MHz", func(v *service.Version) { v.Resources.CPU = 0 }},
		{"resources.memory", "MiB", func(v *service.Version) { v.Resources.Memory = -1 }},
		{"resources.disk", "MiB", func(v *service.Version) { v.Resources.Disk = 1 << 40 }},
		{"resources.memory_max", "at least memory", func(v *service.Version) { v.Resources.MemoryMax = 511 }},
		{"resources.gpus[0].name", "device name", func(v *service.Version) { v.Resources.GPUs[0].Name = `nvidia" {` }},
		{"resources.gpus[0].count", "between", func(v *service.Version) { v.Resources.GPUs[0].Count = 0 }},
		{"resources.gpus[0].model", "model", func(v *service.Version) { v.Resources.GPUs[0].Model = ".*" }},
		{"scale.min", "0 or more", func(v *service.Version) { v.Scale.Min = -1 }},
		{"scale.min", "max (10)", func(v *service.Version) { v.Scale.Min = 11 }},
		{"scale.max", "between", func(v *service.Version) { v.Scale.Max = 0 }},
		{"scale.concurrency", "between", func(v *service.Version) { v.Scale.Concurrency = 0 }},
		{"scale.max_concurrency", "concurrency (10)", func(v *service.Version) { v.Scale.MaxConcurrency = 9 }},
		{"scale.idle_after", "1s and 168h", func(v *service.Version) { v.Scale.IdleAfter = seconds(0) }},
		{"scale.windows[0].min", "scale.max", func(v *service.Version) { v.Scale.Windows[0].Min = 11 }},
		{"scale.windows[0].duration", "between", func(v *service.Version) { v.Scale.Windows[0].Duration = seconds(0) }},
		{"scale.windows[0].time_zone", "IANA", func(v *service.Version) { v.Scale.Windows[0].TimeZone = "Mars/Olympus" }},
		{"scale.windows[0].time_zone", "IANA", func(v *service.Version) { v.Scale.Windows[0].TimeZone = "Local" }},
		{"scale.windows[0].cron", "five cron fields", func(v *service.Version) { v.Scale.Windows[0].Cron = "@every 1h" }},
		{"scale.windows[0].cron", "five cron fields", func(v *service.Version) { v.Scale.Windows[0].Cron = "TZ=UTC" }},
		{"scale.windows[0].cron", "five cron fields", func(v *service.Version) { v.Scale.Windows[0].Cron = "0 8 * * 1-9" }},
		{"scale.windows[0].cron", "never", func(v *service.Version) { v.Scale.Windows[0].Cron = "0 0 30 2 *" }},
		{"access.visibility", "public, authenticated or listed", func(v *service.Version) { v.Access.Visibility = "private" }},
		{"access.users", `visibility = "listed"`, func(v *service.Version) { v.Access.Users = []string{"ada"} }},
		{"access.users[1]", "user name", func(v *service.Version) {
			v.Access = service.Access{Visibility: service.Listed, Users: []string{"ada", "ada lovelace"}}
		}},
		{"access.users[1]", "twice", func(v *service.Version) {
			v.Access = service.Access{Visibility: service.Listed, Users: []string{"ada", "ada"}}
		}},
		{"methods[0].name", "module's name", func(v *service.Version) { v.Methods[0].Name = "FilterContigs.status" }},
		{"methods[0].mode", "both", func(v *service.Version) { v.Methods[0].Mode = "later" }},
		{"methods[0].timeout", "2h", func(v *service.Version) { v.Methods[0].Timeout = seconds(7201) }},
		{"methods[0].job_timeout", "between", func(v *service.Version) { v.Methods[0].JobTimeout = seconds(0) }},
		{"methods[1].name", "twice", func(v *service.Version) { v.Methods = append(v.Methods, v.Methods[0]) }},
		{"description", "{{", func(v *service.Version) { v.Description = "{{ bad }}" }},
	}
	for _, tt := range tests {
		v := sound()
		tt.edit(&v)
		err := v.Validate()
		if !errors.Is(err, service.ErrInvalid) {
			t.Errorf("%s (%s): error %v, want ErrInvalid", tt.field, tt.text, err)
			continue
		}
		found := service.Faults(err)
		if len(found) != 1 || found[0].Field != tt.field || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("faults = %v, want one at %s with %q", err, tt.field, tt.text)
		}
	}
}

func TestValidateArtifacts(t *testing.T) {
	good := []string{
		"https://example.org/server.tar.gz",
		"git::https://example.org/repo.git//dist?ref=v1.2.0",
		"git::ssh://git@example.org/repo.git",
		"s3::https://s3.amazonaws.com/bucket/server.tgz",
	}
	bad := []string{
		"/etc/passwd", "file:///etc/passwd", "file::/etc", "github.com/a/b", "git@example.org:a/b", "example.org/x.tgz",
		"git::file:///x", "ftp://example.org/x", "https://", "https://u:p@example.org/x", "https://example.org/a/../b",
		"git::https://example.org/r//../..", "https://example.org/x?filename=../../y", "https://a b/", "smb::https://example.org/x",
	}
	version := func(artifact string) service.Version {
		v := sound()
		v.Run.Image, v.Run.Artifact, v.Run.Command = "", artifact, "bin/server"
		return v
	}
	for _, a := range good {
		v := version(a)
		if err := v.Validate(); err != nil {
			t.Error(err)
		}
	}
	for _, a := range bad {
		v := version(a)
		if found := service.Faults(v.Validate()); len(found) != 1 || found[0].Field != "run.artifact" {
			t.Errorf("artifact %q: faults %v, want one", a, found)
		}
	}
}

func TestValidateReportsEverythingInOrder(t *testing.T) {
	v := service.Version{Module: "-", Run: service.Run{Env: map[string]string{"b b": "", "a a": ""}}}
	var got []string
	for _, f := range service.Faults(v.Validate()) {
		got = append(got, f.Field)
	}
	want := []string{
		"module", "version", "run", "run.port", "run.env.a a", "run.env.b b", "run.health.path", "run.health.start_deadline",
		"resources.cpu", "resources.memory", "resources.disk",
		"scale.max", "scale.concurrency", "scale.idle_after",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}
