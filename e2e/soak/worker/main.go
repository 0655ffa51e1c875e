// Command worker is the service of the soak. Before it does anything for a call
// it enters the call's id into the soak's ledger (LEDGER, a URL), so that the soak
// knows what was executed, how often and by which instance, whatever becomes of
// the answer or of the instance.
//
// It serves typed calls at POST /, which take as long as they say, and, for ?id=:
//
//	GET  /events  server-sent events
//	GET  /socket  a WebSocket that says everything back
//	POST /up      counts and sums what it is sent
//	GET  /down    a body in chunks, its sum in the trailer
//	GET  /blob    ranges of a file that package content makes
package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/gorilla/websocket"

	"github.com/dynsvc/dynsvc/e2e/soak/content"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func serve() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(http.ResponseWriter, *http.Request) {}) // the probe
	mux.HandleFunc("POST /{$}", call)
	for path, serve := range map[string]func(http.ResponseWriter, *http.Request){
		"GET /events": events, "GET /socket": socket, "POST /up": up, "GET /down": down, "GET /blob": blob,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if err := enter(r.Context(), r.FormValue("id")); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			serve(w, r)
		})
	}
	srv := &http.Server{
		Addr: net.JoinHostPort(os.Getenv("HOST"), cmp.Or(os.Getenv("PORT"), "5000")), Handler: mux,
		IdleTimeout: 3 * time.Minute, ReadHeaderTimeout: time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 25*time.Second)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		return err
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// enter tells the ledger that a call is executed now. It is not told again: who
// cannot be sure that it heard does nothing.
func enter(ctx context.Context, id string) error {
	query := url.Values{"id": {id}, "alloc": {os.Getenv("NOMAD_ALLOC_ID")}}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("LEDGER")+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the ledger: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		err = fmt.Errorf("the ledger: %s", res.Status)
	}
	return errors.Join(err, res.Body.Close())
}

// call takes its time and answers with what it was given.
func call(w http.ResponseWriter, r *http.Request) {
	var in struct {
		JSONRPC string            `json:"jsonrpc"`
		ID      json.RawMessage   `json:"id"`
		Params  []content.Payload `json:"params"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || len(in.Params) != 1 {
		http.Error(w, fmt.Sprintf("no call: %v", err), http.StatusBadRequest)
		return
	}
	p := in.Params[0]
	if err := enter(r.Context(), p.ID); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	wait(r.Context(), time.Duration(p.MS)*time.Millisecond)
	out := map[string]any{"version": "1.1", "id": in.ID, "result": []content.Payload{p.Answer(os.Getenv("DYNSVC_VERSION"))}}
	if in.JSONRPC != "" {
		out = map[string]any{"jsonrpc": in.JSONRPC, "id": in.ID, "result": out["result"]}
	}
	answer(w, out)
}

func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range content.Events {
		if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", i, r.FormValue("id")); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		wait(r.Context(), content.Beat)
	}
}

func socket(w http.ResponseWriter, r *http.Request) {
	conn, err := new(websocket.Upgrader).Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer conn.Close() //nolint:errcheck // nothing is left to be said
	for {
		kind, text, err := conn.ReadMessage()
		if err != nil || conn.WriteMessage(kind, text) != nil {
			return
		}
	}
}

func up(w http.ResponseWriter, r *http.Request) {
	sum := sha256.New()
	n, err := io.Copy(sum, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer(w, content.Upload{ID: r.FormValue("id"), Bytes: n, Sum: hex.EncodeToString(sum.Sum(nil))})
}

func down(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Trailer", content.TrailerSum)
	whole := content.Blob()[:content.Pieces*content.Piece]
	for piece := range slices.Chunk(whole, content.Piece) {
		if _, err := w.Write(piece); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		wait(r.Context(), content.Beat)
	}
	w.Header().Set(content.TrailerSum, content.Sum(whole))
}

func blob(w http.ResponseWriter, r *http.Request) {
	http.ServeContent(w, r, "blob.bin", time.Time{}, bytes.NewReader(content.Blob()))
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the caller may have left
}
