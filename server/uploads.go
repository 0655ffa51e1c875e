package server

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/service"
)

// UploadLine is one line of what the answer to a followed registration is made of.
type UploadLine struct {
	Log        string      `json:"log,omitempty"`        // what it says on the way
	Registered *Registered `json:"registered,omitempty"` // its end
	Error      string      `json:"error,omitempty"`      // or this
}

func (a *api) uploads() {
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "register-followed", Method: http.MethodPost, Path: "/api/v1/uploads",
		Summary:     "Register a version as with POST /api/v1/modules, and follow how its image is built: lines of JSON, the last of which is how it ended",
		RequestBody: archiveBody(),
	}), a.registerFollowed)
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "get-build-log", Method: http.MethodGet, Path: "/api/v1/modules/{module}/versions/{ref}/build",
		Summary: "What the build of a version's image said",
	}), a.buildLog)
}

func (a *api) registerFollowed(_ context.Context, in *upload) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		lines := &uploadLines{to: hctx}
		v, notices, err := a.Catalog.Register(hctx.Context(), catalog.Upload{Archive: in.archive, Tag: in.Tag, Commit: in.Commit, By: service.CallerOf(hctx.Context()), Log: lines})
		lines.end(a, v, notices, err)
	}}, nil
}

// uploadLines answers line by line. Until the first of them the answer may still be a
// problem with its own status.
type uploadLines struct {
	mu    sync.Mutex // guards the writer
	to    huma.Context
	out   *flushed // nil: nothing was written yet
	begun string   // of a line of the log that has not ended
}

// Write sends whole lines on.
func (u *uploadLines) Write(p []byte) (int, error) {
	text := u.begun + string(p)
	cut := strings.LastIndexByte(text, '\n') + 1
	u.begun = text[cut:]
	if cut == 0 {
		return len(p), nil
	}
	return len(p), u.send(UploadLine{Log: strings.ToValidUTF8(text[:cut], "�")})
}

func (u *uploadLines) send(l UploadLine) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.out == nil {
		_, w := humamux.Unwrap(u.to)
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.WriteHeader(http.StatusOK)
		u.out = &flushed{w, http.NewResponseController(w)}
	}
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = u.out.Write(append(text, '\n'))
	return err
}

// end sends how the registration ended. A client that has left cannot be told.
func (u *uploadLines) end(a *api, v service.Version, notices []catalog.Notice, err error) {
	if err == nil {
		_ = u.send(UploadLine{Registered: &Registered{Version: v, URL: a.callURL(v), Notices: notices}})
		return
	}
	text := a.problem("register-followed", err).Error()
	if u.out == nil {
		_ = huma.WriteErr(a.huma, u.to, statusOf(err), text)
		return
	}
	_ = u.send(UploadLine{Log: u.begun, Error: text})
}

func (a *api) buildLog(ctx context.Context, in *VersionRef) (*huma.StreamResponse, error) {
	m, v, err := a.findIn(ctx, *in)
	if err != nil {
		return nil, err
	}
	if err := m.MayChange(service.CallerOf(ctx)); err != nil {
		return nil, err
	}
	var log strings.Builder
	if err := a.Catalog.BuildLog(ctx, v, &log); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		hctx.SetHeader("Content-Type", "text/plain; charset=utf-8")
		_, _ = hctx.BodyWriter().Write([]byte(log.String())) // a client that left cannot be told
	}}, nil
}
