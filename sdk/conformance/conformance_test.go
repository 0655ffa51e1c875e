// Package conformance checks every runtime for module authors against the
// contract of docs/runtime.md, as a caller sees it: over HTTP, in a process of
// its own. cases.json is the part of it that is a table.
package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"
)

// reply is the answer to a call.
type reply struct {
	answer
	Result []any
	Error  struct {
		Code    int
		Message string
	}
	err error
}

// call calls a method with params as JSON and headers as name, value, ...
func (e *echo) call(ctx context.Context, method, params string, headers ...string) (r reply) {
	body := fmt.Sprintf(`{"version":"1.1","id":"1","method":"Echo.%s","params":%s}`, method, params)
	return e.post(ctx, strings.NewReader(body), headers...)
}

func (e *echo) post(ctx context.Context, body io.Reader, headers ...string) (r reply) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url+"/", body)
	if err != nil {
		return reply{err: err}
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	r.answer = answer{status: resp.StatusCode, header: resp.Header}
	if resp.Close {
		r.header.Set("Connection", "close")
	}
	if r.body, r.err = io.ReadAll(resp.Body); r.err == nil {
		r.err = json.Unmarshal(r.body, &r)
	}
	return r
}

// must fails the test unless the call returned want.
func (r reply) must(t *testing.T, want any) {
	t.Helper()
	if r.err != nil || r.status != http.StatusOK || len(r.Result) != 1 || r.Result[0] != want {
		t.Fatalf("status %d, %v, %.300s; want %v", r.status, r.err, r.body, want)
	}
}

// begin calls a method as the job and returns once the program has begun with it.
func (e *echo) begin(t *testing.T, ctx context.Context, job, method, params string, headers ...string) <-chan reply {
	t.Helper()
	done := make(chan reply, 1)
	go func() { done <- e.call(ctx, method, params, append(headers, "X-Dynsvc-Job", job)...) }()
	e.said(t, 1, `"job":"`+job+`"`)
	return done
}

// wait returns the reply of a call that was begun.
func wait(t *testing.T, done <-chan reply) reply {
	t.Helper()
	select {
	case r := <-done:
		return r
	case <-time.After(patience):
		t.Fatal("the call does not end")
		panic("unreachable")
	}
}

func TestConnectionsAreKept(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt runtime) {
		e := start(t, rt)
		fresh := 0
		ctx := httptrace.WithClientTrace(within(t), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
			if !info.Reused {
				fresh++
			}
		}})
		for range 50 {
			e.call(ctx, "add", "[1,2]").must(t, 3.0)
			for _, method := range []string{"refuse", "crash", "absent"} {
				if r := e.call(ctx, method, `["no",1]`); r.err != nil || r.status != http.StatusInternalServerError {
					t.Fatalf("%s: status %d, %v", method, r.status, r.err)
				}
			}
			if r := e.post(ctx, strings.NewReader("{")); r.Error.Code != -32700 {
				t.Fatalf("status %d, %v, %s", r.status, r.err, r.body)
			}
		}
		if fresh > 1 {
			t.Errorf("250 calls took %d connections more, want one for all", fresh)
		}
	})
}

func TestManyCallsAtOnce(t *testing.T) {
	const calls = 500
	eachRuntime(t, func(t *testing.T, rt runtime) {
		e := start(t, rt)
		ctx := within(t)
		var wg sync.WaitGroup
		replies := make([]reply, calls)
		for i := range replies {
			wg.Go(func() { replies[i] = e.call(ctx, "sleep", "[300]") })
		}
		wg.Wait()
		for _, r := range replies {
			r.must(t, "slept")
		}
	})
}

func TestAFullInstanceSaysSo(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt runtime) {
		e := start(t, rt, "ECHO_MAX_CALLS=2")
		ctx, leave := context.WithCancel(within(t))
		first := e.begin(t, ctx, "j1", "sleep", "[60000]")
		second := e.begin(t, ctx, "j2", "sleep", "[60000]")
		for _, size := range []int{0, 4 << 20} {
			r := e.call(within(t), "echo", `["`+strings.Repeat("a", size)+`"]`)
			if r.err != nil || r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") != "1" {
				t.Errorf("with a body of %d bytes: status %d, Retry-After %q, %v; want 503 and 1", size, r.status, r.header.Get("Retry-After"), r.err)
			}
		}
		if status, why := e.health(t); status != http.StatusOK {
			t.Errorf("health %d, %s; want 200", status, why)
		}
		leave()
		wait(t, first)
		wait(t, second)
		eventually(t, "there is room again", func() (bool, string) {
			r := e.call(within(t), "add", "[1,2]")
			return r.status == http.StatusOK, fmt.Sprintf("status %d, %v", r.status, r.err)
		})
	})
}

func TestLargeBodies(t *testing.T) {
	text := strings.Repeat("ACGT", 10<<20/4)
	body := `{"version":"1.1","id":"1","params":["` + text + `"],"method":"Echo.echo"}`
	eachRuntime(t, func(t *testing.T, rt runtime) {
		e := start(t, rt)
		t.Run("with a length", func(t *testing.T) {
			e.post(within(t), strings.NewReader(body)).must(t, text)
		})
		t.Run("in chunks", func(t *testing.T) {
			e.post(within(t), io.MultiReader(strings.NewReader(body))).must(t, text)
		})
		t.Run("after 100 Continue", func(t *testing.T) {
			continued := false
			ctx := httptrace.WithClientTrace(within(t), &httptrace.ClientTrace{Got100Continue: func() { continued = true }})
			e.post(ctx, bytes.NewReader([]byte(body)), "Expect", "100-continue").must(t, text)
			if !continued {
				t.Error("there was no 100 Continue")
			}
		})
		t.Run("many numbers", func(t *testing.T) {
			numbers := "[" + strings.Repeat("1.25,", 1<<20) + "1]"
			e.call(within(t), "length", "["+numbers+"]").must(t, float64(1<<20+1))
		})
	})
}

func TestACallerWhoLeavesCancels(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt runtime) {
		running := make(chan struct{}, 1)
		sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { running <- struct{}{} }))
		defer sink.Close()
		e := start(t, rt)
		ctx, leave := context.WithCancel(within(t))
		done := e.begin(t, ctx, "j1", "report", `[0.5,"half",60000]`, "X-Dynsvc-Progress", sink.URL)
		select {
		case <-running:
		case <-ctx.Done():
			t.Fatal("the method does not run")
		}
		leave()
		if r := wait(t, done); !errors.Is(r.err, context.Canceled) {
			t.Fatalf("status %d, %v", r.status, r.err)
		}
		e.said(t, 1, `"j1"`, `"took_ms"`, `"code":-32000`)
	})
}

func TestADeadlineCancels(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt runtime) {
		e := start(t, rt)
		at := fmt.Sprint(time.Now().Add(2 * time.Second).UnixMilli())
		r := e.call(within(t), "sleep", "[60000]", "X-Dynsvc-Deadline", at)
		if r.err != nil || r.Error.Code != -32000 || !strings.Contains(r.Error.Message, "deadline") {
			t.Errorf("status %d, %v, %s; want -32000 because of the deadline", r.status, r.err, r.body)
		}
		e.call(within(t), "cancellations", "[]").must(t, 1.0)
	})
}

func TestHealthFollowsTheAuthor(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt runtime) {
		e := start(t, rt)
		e.call(within(t), "ready", `[false,"the index is being loaded"]`)
		if status, why := e.health(t); status != http.StatusServiceUnavailable || !strings.Contains(why, "NOT READY the index is being loaded") {
			t.Errorf("health %d, %s; want 503 with the reason", status, why)
		}
		e.call(within(t), "add", "[1,2]").must(t, 3.0)
		e.call(within(t), "ready", `[true,""]`)
		if status, why := e.health(t); status != http.StatusOK {
			t.Errorf("health %d, %s; want 200", status, why)
		}
	})
}

func TestStatusFollowsTheAuthor(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt runtime) {
		e := start(t, rt, "DYNSVC_MODULE=Echo", "DYNSVC_VERSION=9.9.9", "DYNSVC_GIT_URL=https://x.example/echo", "DYNSVC_GIT_COMMIT=abc")
		e.call(within(t), "degrade", `["half of it"]`)
		r := e.call(within(t), "status", "[]")
		want := map[string]any{
			"state": "DEGRADED", "message": "half of it", "colour": "green",
			"version": "1.2.3", "git_url": "https://x.example/echo", "git_commit_hash": "abc",
		}
		for _, misfit := range misfits(any(r.Result), []any{want}, "result") {
			t.Error(misfit)
		}
	})
}
