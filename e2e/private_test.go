//go:build e2e

package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"
)

// locked is a registry with the cluster's images that demands a password, and tells of
// none but whom it let in.
func locked(t *testing.T, name, password string) (host string) {
	t.Helper()
	open := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: servers.Registry})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, p, ok := r.BasicAuth(); !ok || n != name || p != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="base images"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		open.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// TestAPrivateBaseImageIsPulled builds from an image that a password opens, which
// neither the Dockerfile, nor a log, nor a job gets to see.
func TestAPrivateBaseImageIsPulled(t *testing.T) {
	t.Parallel()
	if err := baseImages(); err != nil {
		t.Fatal(err)
	}
	const job, name, password = "build-private", "puller", "p4ss \"word\" $of the base"
	host := locked(t, name, password)
	a := newAgent(t, builders(job, fmt.Sprintf("pull_registry = %q", host)))
	t.Cleanup(func() { forgetRuns(t, job) })
	look := "FROM " + host + "/base:1\n" +
		"RUN echo looking; env; cat /root/.docker/config.json /secrets/* /kb/* 2>/dev/null || true\n" +
		"COPY echo /\nENTRYPOINT [\"/echo\"]\n"
	dir := dockerfile(t, "Private_base", look)

	_, stderr, code := a.cli("register", dir)
	if want := "no credential: nomad var put nomad/jobs/" + job + "/build/build username=… password=…"; code == 0 || !strings.Contains(stderr, want) {
		t.Errorf("without a credential: exit code %d, and nothing says %q:\n%s", code, want, stderr)
	}
	secret := nomad.NewVariable("nomad/jobs/" + job + "/build/build")
	t.Cleanup(func() {
		if _, err := servers.Nomad.Variables().Delete(secret.Path, nil); err != nil {
			t.Error(err)
		}
	})
	set := func(password string) {
		t.Helper()
		secret.Items = nomad.VariableItems{"username": name, "password": password}
		if _, _, err := servers.Nomad.Variables().Update(secret, nil); err != nil {
			t.Fatal(err)
		}
	}
	set("wrong")
	if _, stderr, code = a.cli("register", dir); code == 0 || !strings.Contains(stderr, "401") && !strings.Contains(stderr, "unauthorized") {
		t.Errorf("with a wrong password: exit code %d\n%s", code, stderr)
	}

	set(password)
	v := a.registerDir(dir)
	a.calls(v)
	log := a.do("logs", "-build", "Private_base@dev")
	if !strings.Contains(log, "\nlooking\n") || strings.Contains(log, "p4ss") || strings.Contains(log, "REGISTRY_") || strings.Contains(log, base64.StdEncoding.EncodeToString([]byte(name + ":"))[:8]) {
		t.Errorf("the log of the build:\n%s", log)
	}
	is, _, err := servers.Nomad.Jobs().Info(job, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := json.Marshal(is); err != nil || bytes.Contains(text, []byte("p4ss")) {
		t.Errorf("the job has the password: %s (%v)", text, err)
	}
}
