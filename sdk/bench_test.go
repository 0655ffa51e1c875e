package sdk_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/sdk"
)

// The benchmarks hold the runtime against a bare handler that decodes and
// encodes the same JSON: without a network, and over one connection for each of
// the callers at once. Ratios within one run are what counts.
//
//	go test ./sdk -run xxx -bench . -count 6

type benchParams struct {
	FASTA     string            `json:"fasta"`
	MinLength int64             `json:"min_length"`
	Labels    map[string]string `json:"labels"`
	Weights   []float64         `json:"weights"`
}

type benchResult struct {
	Kept    int64     `json:"kept"`
	FASTA   string    `json:"fasta"`
	Weights []float64 `json:"weights"`
}

func work(_ context.Context, p benchParams) (benchResult, error) {
	return benchResult{Kept: p.MinLength, FASTA: p.FASTA, Weights: p.Weights}, nil
}

// bare answers as the runtime does, without its checks, context and log.
func bare(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Version string          `json:"version"`
		ID      json.RawMessage `json:"id"`
		Method  string          `json:"method"`
		Params  []benchParams   `json:"params"`
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &req)
	}
	if err != nil || len(req.Params) != 1 || req.Method != "M.work" {
		http.Error(w, "no", http.StatusInternalServerError)
		return
	}
	result, _ := work(r.Context(), req.Params[0]) // it has no error
	out, err := json.Marshal(struct {
		Version string          `json:"version"`
		ID      json.RawMessage `json:"id"`
		Result  []benchResult   `json:"result"`
	}{"1.1", req.ID, []benchResult{result}})
	if err != nil {
		http.Error(w, "no", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(out)
}

func benchHandlers() map[string]http.Handler {
	module := func(log *slog.Logger) http.Handler {
		m := sdk.New("M", sdk.Options{Logger: log})
		sdk.Handle(m, "work", work)
		return m.Handler()
	}
	return map[string]http.Handler{
		"bare":  http.HandlerFunc(bare),
		"sdk":   module(slog.New(slog.NewJSONHandler(io.Discard, nil))),
		"debug": module(slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))), // a line for each call
	}
}

func benchBodies() []struct{ name, body string } {
	body := func(bases, weights int) string {
		text, err := json.Marshal(map[string]any{"version": "1.1", "id": "1", "method": "M.work", "params": []any{benchParams{
			FASTA: ">a\n" + strings.Repeat("ACGT", bases/4), MinLength: 500, Labels: map[string]string{"a": "b"},
			Weights: make([]float64, weights),
		}}})
		if err != nil {
			panic(err)
		}
		return string(text)
	}
	return []struct{ name, body string }{{"200B", body(40, 4)}, {"4KB", body(3000, 200)}, {"1MB", body(1<<20, 0)}}
}

func BenchmarkHandler(b *testing.B) {
	for _, in := range benchBodies() {
		for _, name := range []string{"bare", "sdk", "debug"} {
			h := benchHandlers()[name]
			b.Run(in.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(in.body)))
				w := &nowhere{header: make(http.Header)}
				r := httptest.NewRequest(http.MethodPost, "/", nil)
				r.ContentLength = int64(len(in.body))
				r.Header.Set("X-Request-Id", "0123456789abcdef")
				body := new(bytes.Reader)
				r.Body = io.NopCloser(body)
				for b.Loop() {
					body.Reset([]byte(in.body))
					h.ServeHTTP(w, r)
				}
				if w.code > http.StatusOK {
					b.Fatal(w.code)
				}
			})
		}
	}
}

// nowhere is a response that nobody reads.
type nowhere struct {
	header http.Header
	code   int
}

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) WriteHeader(code int)        { w.code = code }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkServer(b *testing.B) {
	for _, in := range benchBodies() {
		for _, name := range []string{"bare", "sdk", "debug"} {
			b.Run(in.name+"/"+name, func(b *testing.B) {
				srv := httptest.NewServer(benchHandlers()[name])
				defer srv.Close()
				request := "POST / HTTP/1.1\r\nHost: m\r\nX-Request-Id: 0123456789abcdef\r\nContent-Length: " + strconv.Itoa(len(in.body)) + "\r\n\r\n" + in.body
				b.ReportAllocs()
				b.SetParallelism(8)
				b.RunParallel(func(pb *testing.PB) {
					conn, err := net.Dial("tcp", srv.Listener.Addr().String())
					if err != nil {
						b.Error(err)
						return
					}
					defer func() { _ = conn.Close() }()
					for answers := bufio.NewReader(conn); pb.Next(); {
						if _, err := io.WriteString(conn, request); err != nil {
							b.Error(err)
							return
						}
						resp, err := http.ReadResponse(answers, nil)
						if err != nil {
							b.Error(err)
							return
						}
						_, _ = io.Copy(io.Discard, resp.Body) // the next answer tells
						_ = resp.Body.Close()
						if resp.StatusCode != http.StatusOK {
							b.Error(resp.Status)
							return
						}
					}
				})
			})
		}
	}
}
