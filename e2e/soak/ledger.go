package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// execution is one time that an instance began to work for a call.
type execution struct {
	alloc string
	at    time.Time
}

// ledger knows what was executed: instances enter each call before they do
// anything for it.
type ledger struct {
	mu   sync.Mutex // guards seen
	seen map[string][]execution
}

// openLedger serves a ledger where instances reach it, until ctx ends.
func openLedger(ctx context.Context, host string) (l *ledger, url string, err error) {
	at, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, "", err
	}
	l = &ledger{seen: map[string][]execution{}}
	srv := &http.Server{Handler: l, ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = srv.Close() }) // nobody is left to be told
	go func() { _ = srv.Serve(at) }()                  // ends with Close
	return l, "http://" + at.Addr().String() + "/", nil
}

// ServeHTTP enters one execution.
func (l *ledger) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := r.FormValue("id")
	l.seen[id] = append(l.seen[id], execution{r.FormValue("alloc"), time.Now()})
}

func (l *ledger) of(id string) []execution {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[id]
}
