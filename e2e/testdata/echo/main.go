// Command echo is the service that the journeys call. It needs no other file, so
// it runs under every driver and in an image made from nothing.
//
// Its environment says how it behaves:
//
//	BEHAVIOUR   exit (says why and ends at once), mute (runs and never listens),
//	            empty: serves
//	START_DELAY how long it takes before it listens
//
// It speaks HTTP/1.1, and HTTP/2 without TLS. It serves JSON-RPC 1.1 at POST /
// (any method: the result is the parameters and the facts below; any but echo
// reports progress and takes as many milliseconds as its first parameter says)
// and, for GET:
//
//	/        the facts: who it is and how many calls it has answered
//	/env     its environment
//	/headers the headers of the request
//	/die     nothing: it ends
//	/health  200, and 500 once /fall-ill was asked for
//	/file    the file ?path=
//	/slow    answers after ?ms=
//	/stream  ?n= lines, one every ?ms=
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// facts tell one instance from another.
type facts struct {
	Version string `json:"version"`
	Alloc   string `json:"alloc"`
	Calls   int64  `json:"calls"` // typed ones that were answered, this one included
	Proto   string `json:"proto"` // of the request
}

func main() {
	switch os.Getenv("BEHAVIOUR") {
	case "exit":
		fmt.Fprintln(os.Stderr, "cannot read the table of species: no such table")
		os.Exit(3)
	case "mute":
		told := make(chan os.Signal, 1)
		signal.Notify(told, syscall.SIGTERM)
		<-told
		return
	}
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}

func serve() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if text := os.Getenv("START_DELAY"); text != "" {
		delay, err := time.ParseDuration(text)
		if err != nil {
			return err
		}
		wait(ctx, delay)
	}
	var speaks http.Protocols
	speaks.SetHTTP1(true)
	speaks.SetUnencryptedHTTP2(true)
	srv := &http.Server{
		Protocols: &speaks,
		Addr:      net.JoinHostPort(os.Getenv("HOST"), cmp.Or(os.Getenv("PORT"), "5000")),
		Handler:   routes(),
		// Longer than any caller keeps a connection.
		IdleTimeout:       3 * time.Minute,
		ReadHeaderTimeout: time.Minute,
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", srv.Addr)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "listening on", l.Addr())
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		return err
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func routes() http.Handler {
	var calls atomic.Int64
	now := func(r *http.Request) facts {
		return facts{Proto: r.Proto, Version: os.Getenv("DYNSVC_VERSION"), Alloc: cmp.Or(os.Getenv("NOMAD_ALLOC_ID"), os.Getenv("DYNSVC_ALLOC")), Calls: calls.Load()}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { answer(w, now(r)) })
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			ID     json.RawMessage   `json:"id"`
			Method string            `json:"method"`
			Params []json.RawMessage `json:"params"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if !strings.HasSuffix(in.Method, ".echo") {
			work(r, in.Params)
		}
		calls.Add(1)
		answer(w, map[string]any{"version": "1.1", "id": in.ID, "result": []any{in.Params, now(r)}})
	})
	var ill atomic.Bool
	mux.HandleFunc("GET /fall-ill", func(http.ResponseWriter, *http.Request) { ill.Store(true) })
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		if ill.Load() {
			http.Error(w, "the table of species is corrupt", http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /headers", func(w http.ResponseWriter, r *http.Request) { answer(w, r.Header) })
	mux.HandleFunc("GET /die", func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	mux.HandleFunc("GET /env", func(w http.ResponseWriter, _ *http.Request) {
		env := map[string]string{}
		for _, v := range os.Environ() {
			name, value, _ := strings.Cut(v, "=")
			env[name] = value
		}
		answer(w, env)
	})
	mux.HandleFunc("GET /file", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, r.FormValue("path")) })
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		wait(r.Context(), milliseconds(r, "ms"))
		answer(w, now(r))
	})
	mux.HandleFunc("GET /stream", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.FormValue("n")) // none: no lines
		for i := range n {
			fmt.Fprintf(w, "line %d\n", i)
			if err := http.NewResponseController(w).Flush(); err != nil {
				return
			}
			wait(r.Context(), milliseconds(r, "ms"))
		}
	})
	return mux
}

// work says that half of it is done and takes as many milliseconds as the first
// parameter says, or until its caller leaves.
func work(r *http.Request, params []json.RawMessage) {
	if url := r.Header.Get("X-Dynsvc-Progress"); url != "" {
		req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, url, strings.NewReader(`{"progress": 0.5, "message": "half way"}`))
		if err == nil {
			if res, err := http.DefaultClient.Do(req); err == nil {
				_ = res.Body.Close() // nothing is read
			}
		}
	}
	if len(params) > 0 {
		ms, _ := strconv.Atoi(string(params[0])) // none: at once
		wait(r.Context(), time.Duration(ms)*time.Millisecond)
	}
}

func milliseconds(r *http.Request, name string) time.Duration {
	n, _ := strconv.Atoi(r.FormValue(name)) // none: at once
	return time.Duration(n) * time.Millisecond
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the caller may have left
}
