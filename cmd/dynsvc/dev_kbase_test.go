package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// TestDevServesKBase asks the agent of dynsvc dev as KBase's clients do, with the
// tokens that its stand-in for KBase's auth service has issued.
func TestDevServesKBase(t *testing.T) {
	agent, err := openLocal(t.Context(), localSetup{log: hclog.NewNullLogger(), addr: "127.0.0.1:0", data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- agent.run(ctx, func(ctx context.Context) error { return agent.serve(ctx, agent.listener) })
	}()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	for user, want := range map[string]string{agent.dev.kbaseToken(kbaseAdmin): "[1]", agent.dev.kbaseToken(kbaseUser): "[0]", "GUESSED": "[0]"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, agent.dev.URL+"/services/catalog",
			strings.NewReader(`{"version":"1.1","id":"1","method":"Catalog.is_admin","params":[""]}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", user)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var reply struct{ Result json.RawMessage }
		if err := json.NewDecoder(res.Body).Decode(&reply); err != nil || string(reply.Result) != want {
			t.Errorf("is_admin = %s, %v, want %s", reply.Result, err, want)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestKBaseBlockAndAuthAreOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dynsvc.hcl")
	text := `token = "0123456789abcdef0123456789abcdef"
kbase {
  auth_url    = "https://kbase.example.org/services/auth"
  admin_roles = ["CATALOG_ADMIN"]
  volume "/mnt/static/" {
    source = "static"
  }
}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if c.Auth.KBase == nil || c.Auth.KBase.URL != "https://kbase.example.org/services/auth" || c.Auth.KBase.AdminRoles[0] != "CATALOG_ADMIN" {
		t.Errorf("auth.kbase = %+v", c.Auth.KBase)
	}
	o := c.KBase.options("https://dynsvc.example.org", "http://10.0.0.1:8080")
	if o.URL != "https://dynsvc.example.org" || o.Environment.Endpoint != "http://10.0.0.1:8080/services" {
		t.Errorf("callers are told %s, and instances %s", o.URL, o.Environment.Endpoint)
	}
	if o.Environment.AuthURL != "https://kbase.example.org/services/auth/api/legacy/KBase/Sessions/Login" || o.Volumes["/mnt/static"].Source != "static" {
		t.Errorf("options = %+v", o)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(text, "https://kbase", "kbase", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadConfig(path, ""); err == nil || !strings.Contains(err.Error(), "kbase.auth_url") {
		t.Errorf("a wrong URL: %v", err)
	}
}
