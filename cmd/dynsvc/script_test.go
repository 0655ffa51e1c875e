package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata/script")

// TestMain lets scripts run this program, and a module's program, by name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"dynsvc": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			defer stop()
			os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
		"echo-module": echoModule,
	})
}

// echoModule answers every JSON-RPC call with its own parameters, and says what it
// was called with in its log. With an argument it prints that and fails.
func echoModule() {
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, os.Args[1])
		os.Exit(3)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() { <-stop; os.Exit(0) }()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var call struct {
			ID     any             `json:"id"`
			Method string          `json:"method"`
			Params json.RawMessage `json:"params"`
		}
		if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&call) != nil {
			fmt.Fprintf(w, "%s %s from %s %s\n", r.Method, r.URL.Path, os.Getenv("DYNSVC_MODULE"), os.Getenv("DYNSVC_VERSION"))
			return
		}
		fmt.Fprintln(os.Stdout, "called", call.Method)
		if err := json.NewEncoder(w).Encode(map[string]any{"version": "1.1", "id": call.ID, "result": call.Params}); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	})
	srv := http.Server{Addr: os.Getenv("HOST") + ":" + os.Getenv("PORT"), Handler: handler, ReadHeaderTimeout: time.Second}
	fmt.Fprintln(os.Stderr, srv.ListenAndServe())
	os.Exit(1)
}

// TestScripts runs one file for each behaviour that a user sees.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			// Children of "dynsvc dev" find the module's program as the script does.
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("DYNSVC_ADDR", "")
			env.Setenv("DYNSVC_TOKEN", "")
			env.Setenv("DOCKER_HOST", "unix:///nowhere.sock") // what is here depends on nothing but this program
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"await":      await,
			"http":       httpGet,
			"eventually": eventually,
			"withtoken":  withToken,
			"let":        let,
		},
	})
}

// withToken runs a command with the token that stands in a file: withtoken FILE COMMAND ARG...
func withToken(ts *testscript.TestScript, neg bool, args []string) {
	ts.Setenv("DYNSVC_TOKEN", strings.TrimSpace(ts.ReadFile(args[0])))
	err := ts.Exec(args[1], args[2:]...)
	ts.Setenv("DYNSVC_TOKEN", "")
	if (err != nil) != neg {
		ts.Fatalf("%s: %v", strings.Join(args[1:], " "), err)
	}
}

// let sets a variable to the first match of a pattern, or of its group, in a file:
// let NAME PATTERN FILE
func let(ts *testscript.TestScript, _ bool, args []string) {
	match := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile(args[2]))
	if match == nil {
		ts.Fatalf("%s has no match of %s", args[2], args[1])
	}
	ts.Setenv(args[0], match[len(match)-1])
}

// await waits for a file and, with "-gone", for its absence.
func await(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[len(args)-1])
	poll(ts, "file "+path, func() bool {
		_, err := os.Stat(path)
		return (err == nil) == (args[0] != "-gone")
	})
}

// httpGet prints the answer to GET URL-PATH, in which ADMINTOKEN stands for it, at the agent of .dynsvc/dev.json.
// Further arguments are headers, NAME:VALUE; a BODY: makes it a POST.
func httpGet(ts *testscript.TestScript, _ bool, args []string) {
	text, err := os.ReadFile(ts.MkAbs(filepath.Join(".dynsvc", devFileName)))
	ts.Check(err)
	var dev devFile
	ts.Check(json.Unmarshal(text, &dev))
	path := strings.ReplaceAll(args[0], "ADMINTOKEN", dev.Token)
	method, body := http.MethodGet, ""
	header := http.Header{}
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(arg, ":")
		if name == "BODY" {
			method, body = http.MethodPost, value
			continue
		}
		header.Add(name, strings.ReplaceAll(value, "ADMINTOKEN", dev.Token))
	}
	req, err := http.NewRequestWithContext(context.Background(), method, dev.URL+path, strings.NewReader(body))
	ts.Check(err)
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "%d\n%s", resp.StatusCode, answer)
	ts.Check(err)
}

// eventually runs a command until its output has TEXT: eventually TEXT COMMAND ARG...
func eventually(ts *testscript.TestScript, _ bool, args []string) {
	poll(ts, "output with "+args[0], func() bool {
		// An error is an answer too: the text may be in it.
		err := ts.Exec(args[1], args[2:]...)
		return strings.Contains(ts.ReadFile("stdout")+ts.ReadFile("stderr"), args[0]) || (err != nil && strings.Contains(err.Error(), args[0]))
	})
}

func poll(ts *testscript.TestScript, what string, ok func() bool) {
	deadline := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			ts.Fatalf("no %s within 30 s", what)
		}
		<-time.After(20 * time.Millisecond)
	}
}
