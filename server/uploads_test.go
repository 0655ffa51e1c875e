package server_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/service"
)

// kiln builds every image but those of the module Broken.
type kiln struct{}

const kilnImage = "registry.example.org/x@sha256:0000000000000000000000000000000000000000000000000000000000000000"

func (kiln) Build(_ context.Context, b service.Build, log io.Writer) (string, error) {
	fmt.Fprint(log, "Step 1/2 : FROM scratch\nStep 2")
	fmt.Fprint(log, "/2 : COPY . .\n")
	if b.Module == "Broken" {
		return "", service.Errorf(service.ErrInvalid, "the Dockerfile failed")
	}
	return kilnImage, nil
}

func (kiln) Log(_ context.Context, w io.Writer, b service.Build) error {
	_, err := fmt.Fprintf(w, "log of %s", b.Module)
	return err
}

// dockerized is the archive of a module that is built.
func dockerized(t *testing.T, name string) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for file, text := range map[string]string{
		"module.hcl": fmt.Sprintf("module %q {\n  version = \"1.0.0\"\n  run {\n    dockerfile = \"Dockerfile\"\n  }\n}\n", name), "Dockerfile": "FROM scratch\n",
	} {
		if err := w.WriteHeader(&tar.Header{Name: file, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func uploadLines(t *testing.T, text string) []server.UploadLine {
	t.Helper()
	var all []server.UploadLine
	for d := json.NewDecoder(strings.NewReader(text)); ; {
		var l server.UploadLine
		if err := d.Decode(&l); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		all = append(all, l)
	}
}

func TestAnUploadIsFollowedWhileItIsBuilt(t *testing.T) {
	w := open(t)
	steps := []server.UploadLine{{Log: "Step 1/2 : FROM scratch\n"}, {Log: "Step 2/2 : COPY . .\n"}}
	status, text, _ := w.ask(t, http.MethodPost, "/api/v1/uploads", dockerized(t, "Built"))
	lines := uploadLines(t, text)
	if status != http.StatusOK || len(lines) != 3 || lines[2].Registered == nil {
		t.Fatalf("%d %s", status, text)
	}
	if diff := cmp.Diff(steps, lines[:2]); diff != "" {
		t.Error(diff)
	}
	if v := lines[2].Registered.Version; v.Run.Image != kilnImage || v.Module != "Built" {
		t.Errorf("registered %+v", v)
	}
	if status, text, _ := w.ask(t, http.MethodGet, "/api/v1/modules/Built/versions/dev/build", ""); status != http.StatusOK || text != "log of Built" {
		t.Errorf("log: %d %s", status, text)
	}
	if status, text, _ := w.askAs(t, "dora", http.MethodGet, "/api/v1/modules/Built/versions/dev/build", ""); status != http.StatusForbidden {
		t.Errorf("log for somebody else: %d %s", status, text)
	}

	status, text, _ = w.ask(t, http.MethodPost, "/api/v1/uploads", dockerized(t, "Broken"))
	if diff := cmp.Diff(append(steps, server.UploadLine{Error: "the Dockerfile failed"}), uploadLines(t, text)); diff != "" || status != http.StatusOK {
		t.Errorf("%d %s", status, diff)
	}
	// What fails before anything was said has a status of its own.
	status, text, header := w.ask(t, http.MethodPost, "/api/v1/uploads", dockerized(t, "not a name"))
	if status != http.StatusUnprocessableEntity || !strings.Contains(text, "module.hcl:1:") || !strings.HasPrefix(header.Get("Content-Type"), "application/problem+json") {
		t.Errorf("%d %s %s", status, header.Get("Content-Type"), text)
	}
}
