package sdk

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
)

// Status is what a module tells of itself beyond its version.
type Status struct {
	State   string // empty: "OK"; "DEGRADED" is for a module that works, but not as it should
	Message string
	Fields  map[string]any // anything else; the keys that are always there win
}

// status is the method of that name.
func (m *Module) status(ctx context.Context, _ None) (map[string]any, error) {
	var s Status
	if m.opts.Status != nil {
		s = m.opts.Status(ctx)
	}
	out := make(map[string]any, len(s.Fields)+5)
	maps.Copy(out, s.Fields)
	if out["state"] = s.State; s.State == "" {
		out["state"] = "OK"
	}
	out["message"] = s.Message
	out["version"] = m.opts.Version
	out["git_url"] = m.opts.GitURL
	out["git_commit_hash"] = m.opts.GitCommit
	return out, nil
}

// health answers whether the service is ready.
func (m *Module) health(w http.ResponseWriter, r *http.Request) {
	code, out := http.StatusOK, map[string]any{"state": "OK", "message": "", "version": m.opts.Version}
	if m.draining.Load() {
		code, out["state"], out["message"] = http.StatusServiceUnavailable, "STOPPING", "the service is being stopped"
	} else if m.opts.Health != nil {
		if err := m.opts.Health(r.Context()); err != nil {
			code, out["state"], out["message"] = http.StatusServiceUnavailable, "NOT READY", err.Error()
		}
	}
	body, err := json.Marshal(out)
	if err != nil {
		panic(err) // these are texts
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // who asked may have left
	}
}
