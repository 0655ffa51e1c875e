package server

import (
	"bufio"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"
)

func (a *api) backups() {
	operation(a, huma.Operation{
		OperationID: "get-backup", Method: http.MethodGet, Path: "/api/v1/backup",
		Summary: "All that the agent keeps, in one file that \"dynsvc restore\" reads",
	}, a.getBackup)
}

// getBackup streams a backup as it is made. One that fails on the way breaks the
// answer off, so nobody takes what came for all.
func (a *api) getBackup(context.Context, *struct{}) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		_, w := humamux.Unwrap(hctx)
		h := w.Header()
		h.Set("Content-Type", "application/gzip")
		h.Set("Content-Disposition", `attachment; filename="dynsvc-`+time.Now().UTC().Format("20060102T150405Z")+`.backup"`)
		h.Set("Cache-Control", "no-store") // secrets are in it
		out := bufio.NewWriter(w)
		err := a.Backup(hctx.Context(), out)
		if err == nil {
			err = out.Flush()
		}
		if err != nil {
			if hctx.Context().Err() == nil {
				a.log.Error("a backup failed", "error", err)
			}
			panic(http.ErrAbortHandler)
		}
	}}, nil
}
