//go:build e2e

package e2e

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	nomad "github.com/hashicorp/nomad/api"
)

// baseImagesOf are the base images of what init writes for a language.
var baseImagesOf = map[string]func() error{
	"python": baseImages,
	"go": sync.OnceValue(func() error {
		return servers.GoImage(context.Background(), "golang:1.26", "github.com/dynsvc/dynsvc/sdk")
	}),
	"javascript": sync.OnceValue(func() error {
		return servers.NodeImages(context.Background(), "node:24-slim", "gcr.io/distroless/nodejs24-debian12:nonroot")
	}),
}

// TestLaidOutModulesAreBuilt builds the Dockerfiles that init writes, as they are, and
// runs what they give: small images without root, and in two languages without a shell.
func TestLaidOutModulesAreBuilt(t *testing.T) {
	t.Parallel()
	const job, password = "build-laid-out", "p4ss \"word\" $x"
	a := newAgent(t, builders(job, ""))
	t.Cleanup(func() { forgetRuns(t, job) })
	// What opens the registry is the push's alone. This registry is open, and takes any log-in.
	secret := nomad.NewVariable("nomad/jobs/" + job + "/build/push")
	secret.Items = nomad.VariableItems{"username": "builder", "password": password}
	if _, _, err := servers.Nomad.Variables().Create(secret, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := servers.Nomad.Variables().Delete(secret.Path, nil); err != nil {
			t.Error(err)
		}
	})
	t.Run("languages", func(t *testing.T) { // ends before the agent does
		for lang, base := range baseImagesOf {
			t.Run(lang, func(t *testing.T) {
				t.Parallel()
				if err := base(); err != nil {
					t.Fatal(err)
				}
				own := *a
				own.t = t
				a := &own
				name := "Laid_out_" + lang
				dir := filepath.Join(t.TempDir(), "module")
				a.do("init", name, "-lang", lang, "-image", "-o", dir)
				v := a.registerDir(dir)
				if !strings.HasPrefix(v.Run.Image, servers.Registry+"/dynsvc/laid-out-"+lang+"@sha256:") || v.Run.Command != "" {
					t.Errorf("run %+v", v.Run)
				}
				log := a.do("logs", "-build", name+"@dev")
				if _, pushing, _ := strings.Cut(log, "\npushing "); !strings.Contains(pushing, "Login Succeeded") || strings.Contains(log, password) {
					t.Errorf("the push did not log in, or told how:\n%s", log)
				}
				if got := inOneLine(a.do("call", name+"@dev", "hello", "-p", "name=Ada", "-p", "greeting=Ahoy")); got != `[ "Ahoy, Ada" ]` {
					t.Errorf("hello gave %s", got)
				}
				image := dockerFor(t, "image", "inspect", "--format", "{{.Config.User}} {{.Size}}", v.Run.Image)
				user, size, _ := strings.Cut(image, " ")
				if !strings.HasPrefix(user, "65532") {
					t.Errorf("it runs as %q", user)
				}
				t.Logf("the image has %s bytes", size)
				if lang == "python" {
					return
				}
				shell := exec.CommandContext(t.Context(), "docker", "--host", servers.DockerHost, "run", "--rm", "--entrypoint", "/bin/sh", v.Run.Image, "-c", "true")
				if out, err := shell.CombinedOutput(); err == nil || !strings.Contains(string(out), "/bin/sh") {
					t.Errorf("the image has a shell: %s (%v)", out, err)
				}
			})
		}
	})
}
