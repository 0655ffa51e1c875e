package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"

	"github.com/dynsvc/dynsvc/service"
)

// eventBeat is how often a stream of events says that it is alive. Proxies close
// what is silent for a minute.
const eventBeat = 15 * time.Second

func (a *api) events() {
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "watch-events", Method: http.MethodGet, Path: "/api/v1/events",
		Summary: "What happens to the modules that the caller may change, as server-sent events: registrations, tags, decisions, phases",
	}), a.watchEvents)
}

func (a *api) watchEvents(_ context.Context, in *struct {
	Module string `query:"module" doc:"only what is about this module"`
	After  string `header:"Last-Event-ID" doc:"the last event seen: what came since is sent first, as far as it is kept"`
}) (*huma.StreamResponse, error) {
	var after int64
	if in.After != "" {
		n, err := strconv.ParseInt(in.After, 10, 64)
		if err != nil || n < 0 {
			return nil, service.Errorf(service.ErrInvalid, "Last-Event-ID %.40q is not the id of an event", in.After)
		}
		after = n
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		_, w := humamux.Unwrap(hctx)
		h := w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		a.stream(hctx.Context(), w, in.Module, after)
	}}, nil
}

// stream writes events until the client leaves, is too far behind, or the agent stops.
func (a *api) stream(ctx context.Context, w http.ResponseWriter, module string, after int64) {
	events, done := a.Feed.listen(after)
	defer done()
	w.WriteHeader(http.StatusOK)
	control, beat := http.NewResponseController(w), time.NewTicker(eventBeat)
	defer beat.Stop()
	alive := func() error {
		_, err := io.WriteString(w, ": alive\n\n")
		return err
	}
	for err := alive(); err == nil; {
		if err = control.Flush(); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-a.Leaving:
			return
		case <-beat.C:
			err = alive()
		case e, ok := <-events:
			if !ok {
				return
			}
			if e.about(module) && a.maySee(ctx, &e) {
				err = writeEvent(w, &e)
			}
		}
	}
}

// maySee reports whether who asks may change the module that an event is about.
func (a *api) maySee(ctx context.Context, e *Event) bool {
	caller := service.CallerOf(ctx)
	if caller.IsAdmin() || e.Kind == GapEvent {
		return true
	}
	m, err := a.Store.Module(ctx, e.Module)
	return err == nil && caller.Manages(m)
}

func writeEvent(w io.Writer, e *Event) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Kind, text)
	return err
}
