package kbase

import (
	"encoding/json"
	"net/http"

	"github.com/dynsvc/dynsvc/service"
)

// Status is KBase's ServiceStatus: where a service is and whether it is up. Clients
// want every field, and neither null nor a boolean in any.
type Status struct {
	Module      string   `json:"module_name"`
	Version     string   `json:"version"`
	Commit      string   `json:"git_commit_hash"`
	Hash        string   `json:"hash"`
	ReleaseTags []string `json:"release_tags"`
	URL         string   `json:"url"`
	Up          int      `json:"up"`
	Status      string   `json:"status"`
	Health      string   `json:"health"`

	Deployment  string `json:"deployment_name"`
	Replicas    int    `json:"replicas"`
	Updated     int    `json:"updated_replicas"`
	Ready       int    `json:"ready_replicas"`
	Available   int    `json:"available_replicas"`
	Unavailable int    `json:"unavailable_replicas"`
	Failure     string `json:"failure"`                // why instances are missing; empty: nothing known
	LastCall    int64  `json:"last_request_timestamp"` // ms; 0: none since this agent runs
}

// words are KBase's for a service's phase.
var words = map[service.Phase][2]string{
	service.Idle:     {"stopped", "unhealthy"},
	"":               {"stopped", "unhealthy"},
	service.Starting: {"starting", "starting"},
	service.Ready:    {"active", "healthy"},
	service.Closing:  {"stopping", "healthy"},
	service.Broken:   {"error", "unhealthy"},
	service.Stopped:  {"stopped", "unhealthy"},
}

func (f *Facade) status(e *entry, v service.Version, st service.State) Status {
	load := f.Gateway.Load(v.ID)
	s := Status{
		Module: e.Name, Version: v.Version, Commit: hash(v), Hash: hash(v), ReleaseTags: e.tagsOf(v.ID), URL: f.serviceURL(v),
		Deployment: string(v.ID), Replicas: st.Count, Updated: load.Ready, Ready: load.Ready, Available: load.Ready,
		Unavailable: max(0, st.Count-load.Ready),
	}
	s.Status, s.Health = words[load.Phase][0], words[load.Phase][1]
	if load.Ready > 0 {
		s.Up = 1
		if s.Unavailable > 0 {
			s.Health = "degraded"
		}
	}
	switch {
	case load.Failure != nil:
		s.Failure = load.Failure.Text
	case st.Failure != nil:
		s.Failure = st.Failure.Text
	}
	if !load.LastBusy.IsZero() {
		s.LastCall = load.LastBusy.UnixMilli()
	}
	return s
}

// unregistered is a service that runs though nobody has registered it.
func (f *Facade) unregistered(st service.State) Status {
	s := Status{Module: "!" + string(st.ID), Hash: string(st.ID), ReleaseTags: []string{}, Deployment: string(st.ID),
		Replicas: st.Count, Status: "stopped", Health: "unhealthy"}
	if len(st.Endpoints) > 0 {
		s.Up, s.Status, s.Health = 1, "active", "unknown"
	}
	return s
}

// serviceURL is where this very version is called, for ever.
func (f *Facade) serviceURL(v service.Version) string {
	return f.opts.DynServ + "/" + v.Module + "." + hash(v)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.WriteHeader(http.StatusOK)
	_ = json.NewEncoder(w).Encode(v) // a client that left cannot be told
}
