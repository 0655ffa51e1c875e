package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/dynsvc/dynsvc/e2e/soak/content"
)

// callEvents reads an event stream to its end.
func (s *soak) callEvents(ctx context.Context, r *record) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.at("/events", r), http.NoBody)
	res := s.send(r, req, err, http.StatusOK)
	if res == nil {
		return
	}
	defer res.Body.Close()
	next := 0
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		switch line := lines.Text(); {
		case line == "", strings.HasPrefix(line, ":"): // a heartbeat
		case line == fmt.Sprintf("id: %d", next):
			next++
		case line != "data: "+r.id:
			r.is(false, "%.300q after %d events", line, next)
			return
		}
	}
	if err := lines.Err(); err != nil {
		r.fail(err)
		return
	}
	r.is(next == content.Events, "%d events", next)
}

// callSocket says something a few times and hears it back.
func (s *soak) callSocket(ctx context.Context, r *record) {
	conn, res, err := new(websocket.Dialer).DialContext(ctx, "ws"+strings.TrimPrefix(s.at("/socket", r), "http"), http.Header{"X-Request-Id": {r.id}}) //nolint:bodyclose // the dialer has read and replaced it
	if err != nil && res != nil && res.StatusCode != http.StatusSwitchingProtocols {
		r.refuse(res)
		return
	}
	if err != nil {
		r.fail(err)
		return
	}
	r.cold = res.Header.Get("Server-Timing") != ""
	defer conn.Close() //nolint:errcheck // what matters was said
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	for i := range content.Events {
		text := fmt.Sprintf("%s %d", r.id, i)
		if err := conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			r.fail(err)
			return
		}
		_, back, err := conn.ReadMessage()
		if err != nil {
			r.fail(err)
			return
		}
		if string(back) != text {
			r.is(false, "%.300q for %q", back, text)
			return
		}
		pause(ctx, content.Beat)
	}
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = conn.WriteMessage(websocket.CloseMessage, bye) // all was heard
	r.is(true, "")
}

// callUpload sends a body in chunks, slowly.
func (s *soak) callUpload(ctx context.Context, r *record) {
	whole := content.Blob()[:content.Pieces*content.Piece]
	body, writer := io.Pipe()
	go func() {
		for i := range content.Pieces {
			if _, err := writer.Write(whole[i*content.Piece : (i+1)*content.Piece]); err != nil {
				return // nobody reads on
			}
			pause(ctx, content.Beat)
		}
		_ = writer.Close() // never fails
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.at("/up", r), body)
	res := s.send(r, req, err, http.StatusOK)
	_ = body.Close() // never fails; ends the writer
	if res == nil {
		return
	}
	defer res.Body.Close()
	var got content.Upload
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		r.fail(err)
		return
	}
	want := content.Upload{ID: r.id, Bytes: int64(len(whole)), Sum: content.Sum(whole)}
	r.is(got == want, "%+v", got)
}

// callDownload reads a body in chunks, and its sum in the trailer.
func (s *soak) callDownload(ctx context.Context, r *record) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.at("/down", r), http.NoBody)
	res := s.send(r, req, err, http.StatusOK)
	if res == nil {
		return
	}
	defer res.Body.Close()
	got, ok := r.read(res)
	if !ok {
		return
	}
	want := content.Blob()[:content.Pieces*content.Piece]
	r.is(bytes.Equal(got, want) && res.Trailer.Get(content.TrailerSum) == content.Sum(got),
		"%d bytes of %d, trailer %v", len(got), len(want), res.Trailer)
}
