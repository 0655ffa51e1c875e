package kbase_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain is a KBase module's program when it is told so, and the tests else.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		if err := serve(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve answers as a generated server does: a GET is no JSON and an error of 500,
// CORS headers are on everything.
func serve() error {
	if delay, err := time.ParseDuration(os.Getenv("KBASE_SECURE_CONFIG_PARAM_start_delay")); err == nil {
		<-time.After(delay)
	}
	if os.Getenv("KBASE_SECURE_CONFIG_PARAM_broken") != "" {
		return errors.New("deploy.cfg has no section [Broken]")
	}
	fmt.Fprintln(os.Stdout, "listening on", os.Getenv("PORT"))
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: http.HandlerFunc(handle), ReadHeaderTimeout: time.Minute}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	go func() {
		<-stop.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func handle(w http.ResponseWriter, r *http.Request) {
	allow := r.Header.Get("Access-Control-Request-Headers")
	if allow == "" {
		allow = "authorization"
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Headers", allow)
	h.Set("Content-Type", "application/json")
	switch {
	case r.Method == http.MethodOptions:
		return
	case r.URL.Path != "/":
		fmt.Fprintf(w, "%s %s %s", r.Method, r.RequestURI, r.Header.Get("Cookie"))
		return
	}
	body, err := io.ReadAll(r.Body)
	var req struct {
		Method string
		Params []any
		ID     any
	}
	if err == nil {
		err = json.Unmarshal(body, &req)
	}
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, `{"version":"1.1","error":{"name":"Parse error","code":-32700,"message":%q,"error":null}}`, err)
		return
	}
	fmt.Fprintln(os.Stdout, "called", req.Method)
	result, failure := answerTo(r, req.Method[strings.Index(req.Method, ".")+1:], req.Params)
	reply := map[string]any{"version": "1.1", "id": req.ID, "result": result}
	if failure != nil {
		w.WriteHeader(http.StatusInternalServerError)
		reply = map[string]any{"version": "1.1", "id": req.ID, "error": failure}
	}
	_ = json.NewEncoder(w).Encode(reply)
}

func answerTo(r *http.Request, method string, params []any) (result, failure any) {
	fail := func(message string) (any, any) {
		return nil, map[string]any{"name": "Server error", "code": -32000, "message": message, "error": "Traceback (most recent call last):\n" + message}
	}
	switch method {
	case "status":
		return []any{map[string]any{"state": "OK", "message": "", "version": "0.0.1", "git_url": "", "git_commit_hash": ""}}, nil
	case "hello":
		return []any{map[string]any{"text": fmt.Sprintf("hello %v", params[0])}}, nil
	case "add":
		return []any{params[0].(float64) + params[1].(float64)}, nil
	case "wait":
		<-time.After(time.Duration(params[0].(float64)) * time.Millisecond)
		return []any{1}, nil
	case "env":
		env := map[string]string{}
		for _, pair := range os.Environ() {
			if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "KBASE_") || strings.HasPrefix(name, "AUTH_") {
				env[name] = value
			}
		}
		return []any{env}, nil
	case "whoami":
		if token := r.Header.Get("Authorization"); token != "" {
			return []any{"the bearer of " + token}, nil
		}
		return fail("Authentication required for Hello but no authentication header was passed")
	case "fail":
		return fail(fmt.Sprint(params[0]))
	}
	return nil, map[string]any{"name": "Method not found", "code": -32601, "message": nil, "error": nil}
}
