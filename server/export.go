package server

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// UsageLine is a line of the export: how a service was used in one minute.
// "dynsvc policy simulate" reads it.
type UsageLine struct {
	Service service.ID `json:"service"`
	Start   time.Time  `json:"start"`
	Width   float64    `json:"width_s"`
	Calls   int64      `json:"calls"`
	Busy    float64    `json:"busy_s"` // calls in flight, summed over the minute's time
	Memory  int        `json:"memory"` // MiB of an instance
}

func (a *api) export() {
	operation(a, huma.Operation{
		OperationID: "export-usage", Method: http.MethodGet, Path: "/api/v1/usage",
		Summary: "The usage of all services by the minute, one JSON object a line",
	}, a.exportUsage)
}

func (a *api) exportUsage(ctx context.Context, in *struct {
	Since time.Time `query:"since" doc:"default: a day ago; minutes are kept as long as the operator says"`
}) (*huma.StreamResponse, error) {
	until := time.Now()
	since := in.Since
	if since.IsZero() {
		since = until.Add(-24 * time.Hour)
	}
	if !since.Before(until) {
		return nil, service.Errorf(service.ErrInvalid, "since is %s, which is not past", since.Format(time.RFC3339))
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		_, w := humamux.Unwrap(hctx)
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.WriteHeader(http.StatusOK)
		lines := json.NewEncoder(w)
		err := a.Store.AllModules(hctx.Context(), func(m service.Module) error {
			for i := range m.Versions {
				if err := a.exportVersion(hctx.Context(), lines, &m.Versions[i], since, until); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil && hctx.Context().Err() == nil {
			a.log.Warn("export of usage ended early", "error", err)
			_ = lines.Encode(map[string]string{"error": err.Error()}) // best effort: the client may have left
		}
	}}, nil
}

func (a *api) exportVersion(ctx context.Context, lines *json.Encoder, v *service.Version, since, until time.Time) error {
	usage, err := a.Store.Usage(ctx, store.UsageQuery{Services: []service.ID{v.ID}, Since: since, Until: until, Step: time.Minute})
	if err != nil {
		return err
	}
	for i := range usage {
		s := &usage[i]
		line := UsageLine{Service: v.ID, Start: s.Start, Width: time.Minute.Seconds(), Calls: s.Calls, Busy: s.Busy.Seconds(), Memory: v.Resources.Memory}
		if err := lines.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
