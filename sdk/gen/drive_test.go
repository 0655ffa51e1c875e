package gen_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/sdk/gen"
	"github.com/google/go-cmp/cmp"
)

// Drivers are programs, one a language, that use the client of Everything as a
// person would. For each step they print a line: its name, a tab, and JSON. What
// they print, and in which order does not matter, has to be the same for all
// languages: what steps says.
//
// A driver builds its values in its own language, calls, and prints what came
// back: one value as it is, several as a list, none as null. An error is printed
// as an object:
//
//	{"error": "rpc", "code", "name", "message", "data", "status", "request_id": is there one?}
//	{"error": "transport", "status": 0 where there was no answer}
//	{"error": "timeout"}
//	{"error": "cancelled"}
//
// In the environment are DYNSVC_URL, which clients must take as their base, and
// CLOSED_URL, where nobody listens. The token is "secret" but for whoami_nobody.
// Clients ask for no version unless the step does (see fake).

// record is what echo_record and slow give back: all fields that must be there.
const record = `{
	"number": -1234567890123, "fraction": 0.25, "text": "\"q\" \\ \n ünïcode 试验 </script>",
	"any": {"a": [1, null, "x", {"b": true}], "empty": {}}, "strings": ["a"], "matrix": [[1.5, -2], []],
	"labels": {"k-1": "v"}, "groups": {"1": [{"name": "n", "good": 1}]},
	"nested": {"a": {"b": ["s", 1, 2]}}, "pair": ["p", 2], "pairs": [["x", {"name": "y", "good": 0}]],
	"region": ["s1", 10, 20], "inner": {"name": "in", "good": 1}, "inners": [], "lengths": {"s1": 5},
	"reference": {"workspace": "w", "object_id": 7}}`

// recordFull has those that may be missing, too.
var recordFull = record[:len(record)-1] + `,
	"maybe": "", "maybe_number": 0, "maybe_flag": 1, "maybe_list": [], "maybe_map": {"a": 0.5},
	"maybe_inner": {"name": "", "good": 0}, "maybe_region": ["s2", 0, 0], "maybe_any": [1], "class": "c"}`

// steps are what drivers do, and what they have to print.
var steps = map[string]string{
	// One call of every function, with the values printed here (or named).
	"echo_record":      record,
	"echo_record_full": recordFull,
	"echo_words": `{"class": "1", "def": "2", "func": "3", "function": "4", "import": "5", "from": "6", "type": "7",
		"interface": "8", "package": "9", "return": "10", "self": "11", "this": "12", "new": "13", "default": "14",
		"in": "15", "is": "16", "lambda": "17", "my": "18", "sub": "19", "next": "20", "repeat": "21", "hashCode": "22",
		"None": "23"}`, // without True, False, nil, undefined
	"echo_hard": `{"foo_bar": "1", "fooBar": "2", "FooBar": "3", "foo-bar": "4", "foo$bar": "5", "url": "6",
		"genome_id": "7", "x1y2": "8"}`,
	"echo_types":     `[{"id": "c"}, {"id": "j"}, "s", [{"id": "l"}], {"message": "m"}]`,
	"echo_scalars":   `[1234567890123, 0.5, "it's", 1]`,
	"echo_any":       `{"deep": [1, 2.5, {"x": null}], "list": []}`,
	"echo_any_text":  `"text"`,
	"echo_lists":     `[["one"], [[1, 2], []], {"x": [0.5], "y": []}]`,
	"echo_lists_nil": `[[], [], {}]`, // all empty, in the way that the language has for nothing at all
	"echo_rows":      `[["a", 1, 0.5, [["s", 1, 2], ["t", 3, 4]]], ["b", 2, 1.5, []]]`,
	"echo_tuple":     `["n", {"name": "i", "good": 1}]`,
	"echo_empty":     `{}`,
	"echo_reference": `{"workspace": "w", "object_id": 9007199254740991}`,
	"count":          `42`,
	"forget":         `null`, // forget("it")
	"nothing":        `null`,
	"unnamed":        `[3, "x"]`,    // unnamed(1, 2, "x", {"name": "i", "good": 0}, [])
	"middle":         `["m", 5, 6]`, // of three regions, this in the middle
	"import":         `"abcd5"`,     // import("a", "b", "c", "d", 5)
	"close":          `"abcdef"`,    // close("a", …, "f")
	"whoami":         `"secret"`,    // with the token
	"version":        `42`,          // count, with the version ">=1.0 <2/x"
	"slow_sync":      record,        // slow(0, ""), not as a job

	// Errors.
	"fail": `{"error": "rpc", "code": 17, "name": "JSONRPCError", "message": "it's \"wrong\"", "data": "the details",
		"status": 500, "request_id": true}`, // fail(17, …)
	"whoami_nobody": `{"error": "rpc", "code": -32000, "name": "Server error",
		"message": "Authentication required for Everything but no authentication header was passed", "data": "", "status": 500, "request_id": true}`,
	"nowhere": `{"error": "rpc", "code": -32000, "name": "JSONRPCError", "message": "Everything has no version nowhere",
		"data": "", "status": 404, "request_id": true}`, // count, version nowhere
	"nowhere_job": `{"error": "rpc", "code": 0, "name": "Not Found", "message": "Everything has no version nowhere",
		"data": {"title": "Not Found", "status": 404, "detail": "Everything has no version nowhere"}, "status": 404,
		"request_id": true}`, // submit of slow_nothing(1), version nowhere
	"full": `{"error": "rpc", "code": -32000, "name": "JSONRPCError", "message": "the queue is full", "data": "",
		"status": 503, "request_id": true}`, // count, version full
	"html":   `{"error": "transport", "status": 502}`, // count, version html
	"moved":  `{"error": "transport", "status": 307}`, // count, version moved
	"liar":   `{"error": "transport", "status": 200}`, // count, version liar; languages without types print what came
	"stuck":  `{"error": "timeout"}`,                  // count, version stuck, with 0.5 s for the call
	"closed": `{"error": "transport", "status": 0}`,   // count at CLOSED_URL, with 0.5 s for retries

	// Retries.
	"busy":       `42`,                                  // count, version busy
	"broken":     `{"error": "transport", "status": 0}`, // count, version broken
	"idempotent": `42`,                                  // count, version broken-idempotent, by a client that is told so of count

	// Jobs.
	"run_slow":     record,        // run of slow(3, "") with a progress callback
	"run_progress": `true`,        // whether it was told of fractions that never fell, and at least once of one
	"run_pair":     `["done", 1]`, // run of slow_pair(1)
	"run_nothing":  `null`,        // run of slow_nothing(1)
	"run_count":    `42`,
	"job_id":       `true`,                   // submit of slow(1, ""): whether the handle has an id
	"job_wait":     record,                   // and waiting for it
	"job_again":    record,                   // and waiting once more for what is done
	"job_done":     `"done"`,                 // and its state by check
	"job_reopened": record,                   // a handle made from the id alone, and waiting for it
	"job_running":  `true`,                   // submit of slow(1, "hold"): whether check says queued or running
	"job_timeout":  `{"error": "timeout"}`,   // waiting 0.3 s for it
	"job_cancel":   `{"error": "cancelled"}`, // cancel, then waiting for it
	"job_failed": `{"error": "rpc", "code": 17, "name": "failed", "message": "it went wrong", "data": "the details",
		"status": 200, "request_id": true}`, // run of slow(1, "fail")
	"job_dead": `{"error": "rpc", "code": -32000, "name": "dead", "message": "its instance was lost three times",
		"data": null, "status": 200, "request_id": true}`, // run of slow(1, "die")
	"job_broken":  `["done", 1]`,            // run of slow_pair(1), version broken-job
	"run_stopped": `{"error": "cancelled"}`, // run of slow(1, "hold"), version stopped, given up after 0.3 s in the way of the language
}

// interpreter finds a program that the tests cannot do without.
func interpreter(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not there; generated code is tested with it, so please install it", name)
	}
	return path
}

// command runs a program in a folder and returns what it prints. If it fails,
// the test does.
func command(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// client writes the client of a case into a new folder.
func client(t *testing.T, name string, language gen.Language) (dir string) {
	t.Helper()
	model, o := caseOf(t, name)
	o.Language, o.Kind = language, gen.Client
	dir = t.TempDir()
	write(t, dir, generate(t, model, o))
	return dir
}

// drive runs a driver against a fake and holds what it prints against steps, and
// what the fake has seen against what it should. Steps that a language cannot
// have are named in without.
func drive(t *testing.T, dir string, without []string, name string, args ...string) {
	t.Helper()
	if url := os.Getenv(realURL); url != "" {
		driveReal(t, url, printed(t, command(t, dir, []string{"DYNSVC_URL=" + url, "CLOSED_URL=" + closedURL(t)}, name, args...)))
		return
	}
	f := newFake(t)
	got := printed(t, command(t, dir, []string{"DYNSVC_URL=" + f.URL + "/base/", "CLOSED_URL=" + closedURL(t)}, name, args...))
	want := map[string]any{}
	for step, text := range steps {
		if !slices.Contains(without, step) {
			want[step] = decoded(t, step, text)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the driver prints (+) what differs from steps (-):\n%s", diff)
	}
	f.check(without)
}

// printed are the steps that a driver has printed.
func printed(t *testing.T, out string) map[string]any {
	t.Helper()
	got := map[string]any{}
	for line := range strings.Lines(out) {
		step, text, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			t.Errorf("the driver prints %q, which is no step", line)
			continue
		}
		if _, twice := got[step]; twice {
			t.Errorf("the driver prints %s twice", step)
		}
		got[step] = decoded(t, step, text)
	}
	return got
}

func decoded(t *testing.T, step, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v: %s", step, err, text)
	}
	return v
}

// check looks at what the requests were.
func (f *fake) check(without []string) {
	f.t.Helper()
	for _, c := range []struct {
		step, what string
		want       int
		fits       func(entry) bool
	}{
		{"busy", "requests of version busy", 3, func(e entry) bool { return e.Version == "busy" }},
		{"full", "requests of version full", 1, func(e entry) bool { return e.Version == "full" }},
		{"broken", "requests of version broken", 1, func(e entry) bool { return e.Version == "broken" }},
		{"idempotent", "requests of version broken-idempotent", 2, func(e entry) bool { return e.Version == "broken-idempotent" }},
		{"job_broken", "requests of version broken-job", 2, func(e entry) bool { return e.Version == "broken-job" }},
		{"moved", "requests of version moved", 1, func(e entry) bool { return e.Version == "moved" }},
		{"version", "requests of version >=1.0 <2/x", 1, func(e entry) bool { return e.Version == ">=1.0 <2/x" }},
		{"job_cancel", "cancelled jobs", 2, func(e entry) bool { return e.Verb == "DELETE" }},
		{"whoami_nobody", "requests without a token", 1, func(e entry) bool { return e.Token == "" }},
		{"", "requests without User-Agent", 0, func(e entry) bool { return !strings.HasPrefix(e.Agent, "dynsvc-client-") }},
		{"", "requests with another token", 0, func(e entry) bool { return e.Token != "" && e.Token != "secret" }},
	} {
		if got := f.seen(c.fits); got != c.want && !slices.Contains(without, c.step) {
			f.t.Errorf("%d %s, want %d", got, c.what, c.want)
		}
	}
	for version, want := range map[string]string{"broken-job": "[done]", "stopped": "[cancelled]"} {
		if got := fmt.Sprint(f.states(version)); got != want {
			f.t.Errorf("jobs of version %s are %s, want %s", version, got, want)
		}
	}
}
