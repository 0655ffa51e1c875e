package server

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"

	"github.com/dynsvc/dynsvc/service"
)

// logs streams one JSON object a line. An error that comes when lines were
// already sent is the last line, as {"error": …}.
func (a *api) logs(ctx context.Context, in *struct {
	ServiceRef
	Follow bool   `query:"follow" doc:"go on until the client leaves"`
	Tail   int    `query:"tail" minimum:"0" doc:"last lines of each instance and stream; 0: all that is kept"`
	Alloc  string `query:"alloc" doc:"one instance, by its id or a prefix of it"`
}) (*huma.StreamResponse, error) {
	if err := a.mayChange(ctx, in.ID); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		_, w := humamux.Unwrap(hctx)
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.WriteHeader(http.StatusOK)
		enc, control := json.NewEncoder(w), http.NewResponseController(w)
		if err := control.Flush(); err != nil {
			return // the client left
		}
		ctx, stop := context.WithCancel(hctx.Context())
		defer stop()
		go func() {
			select {
			case <-a.Leaving:
				stop()
			case <-ctx.Done():
			}
		}()
		opts := service.LogOptions{Follow: in.Follow, Tail: in.Tail, Alloc: in.Alloc}
		err := a.Cluster.Logs(ctx, in.ID, opts, func(line service.LogLine) error {
			if err := enc.Encode(line); err != nil {
				return err
			}
			return control.Flush()
		})
		if err != nil && ctx.Err() == nil {
			a.log.Warn("logs ended early", "service", in.ID, "error", err)
			_ = enc.Encode(map[string]string{"error": err.Error()}) // best effort: the client may have left
		}
	}}, nil
}
