package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// asleep is a cluster that starts nothing.
type asleep struct{}

func (asleep) Wake(context.Context, service.ID) error { return nil }

func TestAnAgentThatStartsGoesOnWithTagMoves(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "dynsvc.db"), hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing to lose
	ids := make([]service.ID, 2)
	for i := range ids {
		digest := fmt.Sprintf("sha256:%08x%056x", i, i)
		ids[i] = service.NewID("Echo", "", digest)
		_, _, err := db.SaveVersion(t.Context(), store.Registration{Tags: []string{"release"}, Version: service.Version{
			ID: ids[i], Module: "Echo", Version: fmt.Sprintf("1.%d.0", i), Digest: digest, Run: service.Run{Health: service.Health{Path: "/"}}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.SetTag(t.Context(), "Echo", "release", ids[i], "ada"); err != nil {
			t.Fatal(err)
		}
	}
	st := &stack{db: db, gateway: gateway.New(hclog.NewNullLogger(), asleep{}, gateway.Options{})}
	m, err := db.Module(t.Context(), "Echo")
	if err != nil {
		t.Fatal(err)
	}
	st.gateway.Publish(m)
	if err := st.resumeMoves(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- st.gateway.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}()
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "old") }))
	defer old.Close()
	st.gateway.Apply(service.State{ID: ids[0], Registered: true, Count: 1, Revision: 1, Endpoints: []service.Endpoint{
		{Alloc: "a", Addr: old.Listener.Addr().String(), Transport: service.Plain, Running: true}}})
	w := httptest.NewRecorder()
	st.gateway.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/svc/Echo@release/", nil))
	if w.Code != http.StatusOK || w.Body.String() != "old" {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
}
