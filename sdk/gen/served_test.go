package gen_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/sdk/gen"
	"github.com/google/go-cmp/cmp"
)

// calls are made to the module Everything in every language that modules are
// written in: function, parameters and what comes back, a result or an error.
// JavaScript has no types that look inside of lists.
var calls = []struct {
	function, params, result, fault string
	inside                          bool
}{
	{function: "echo_record", params: `[` + record + `]`, result: `[` + record + `]`},
	{function: "echo_record", params: `[` + recordFull + `]`, result: `[` + recordFull + `]`},
	{function: "echo_hard", params: `[` + steps["echo_hard"] + `]`, result: `[` + steps["echo_hard"] + `]`},
	{function: "echo_words", params: `[` + steps["echo_words"] + `]`, result: `[` + steps["echo_words"] + `]`},
	{function: "echo_types", params: steps["echo_types"], result: steps["echo_types"]},
	{function: "echo_scalars", params: steps["echo_scalars"], result: steps["echo_scalars"]},
	{function: "echo_any", params: `[{"a": [1, null]}]`, result: `[{"a": [1, null]}]`},
	{function: "echo_any", params: `["text"]`, result: `["text"]`},
	{function: "echo_lists", params: steps["echo_lists"], result: steps["echo_lists"]},
	{function: "echo_rows", params: `[` + steps["echo_rows"] + `]`, result: `[` + steps["echo_rows"] + `]`},
	{function: "echo_tuple", params: `[` + steps["echo_tuple"] + `]`, result: `[` + steps["echo_tuple"] + `]`},
	{function: "echo_empty", params: `[{}]`, result: `[{}]`},
	{function: "count", params: `[]`, result: `[42]`},
	{function: "forget", params: `["it"]`, result: `null`},
	{function: "nothing", params: `[]`, result: `null`},
	{function: "unnamed", params: `[1, 2, "x", {"name": "i", "good": 0}, []]`, result: `[3, "x"]`},
	{function: "middle", params: `[[["a", 1, 2], ["b", 3, 4], ["c", 5, 6]]]`, result: `[["b", 3, 4]]`},
	{function: "import", params: `["a", "b", "c", "d", 5]`, result: `["abcd5"]`},
	{function: "close", params: `["a", "b", "c", "d", "e", "f"]`, result: `["abcdef"]`},
	{function: "slow_pair", params: `[7]`, result: `["done", 7]`},
	{function: "whoami", params: `[]`, result: `["secret"]`},
	{function: "fail", params: `[17, "no"]`, fault: `17: no`},
	{function: "echo_hard", params: `[5]`, fault: `-32602`},
	{function: "middle", params: `[[["a", 1]]]`, fault: `-32602`, inside: true},
	{function: "count", params: `[1]`, fault: `-32602`},
}

// served are the languages of modules: how one in a folder is run.
var served = map[gen.Language]func(t *testing.T, dir string) *exec.Cmd{
	gen.Go: func(t *testing.T, dir string) *exec.Cmd {
		withGoRuntime(t, dir)
		command(t, dir, nil, interpreter(t, "go"), "vet", "-mod=mod", ".")
		command(t, dir, nil, interpreter(t, "go"), "build", "-mod=mod", "-o", "served", ".")
		return exec.Command(filepath.Join(dir, "served"))
	},
	gen.Python: func(t *testing.T, _ string) *exec.Cmd {
		cmd := exec.Command(interpreter(t, "python3"), "-W", "error", "server.py")
		cmd.Env = append(os.Environ(), withPythonRuntime(t))
		return cmd
	},
	gen.JavaScript: func(t *testing.T, dir string) *exec.Cmd {
		withJavaScriptRuntime(t, dir)
		return exec.Command(interpreter(t, "node"), "server.js")
	},
}

// withGoRuntime makes a folder a Go module that takes the runtime from this tree.
func withGoRuntime(t *testing.T, dir string) {
	t.Helper()
	root := filepath.Dir(runtimeFolder(t, "..", "module.go"))
	goModule(t, dir, "served")
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o644); err != nil {
		t.Fatal(err)
	}
	command(t, dir, nil, interpreter(t, "go"), "mod", "edit",
		"-replace", "github.com/dynsvc/dynsvc="+root, "-require", "github.com/dynsvc/dynsvc@v0.0.0")
}

// withPythonRuntime is a line of the environment that lets Python find the runtime.
func withPythonRuntime(t *testing.T) string {
	t.Helper()
	return "PYTHONPATH=" + runtimeFolder(t, "../python", "pyproject.toml")
}

// withJavaScriptRuntime puts a link to the runtime into a folder.
func withJavaScriptRuntime(t *testing.T, dir string) {
	t.Helper()
	ecmaModule(t, dir)
	modules := filepath.Join(dir, "node_modules", "@dynsvc")
	if err := os.MkdirAll(modules, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(modules, "sdk")
	if err := os.Symlink(runtimeFolder(t, "../javascript", "package.json"), link); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
}

// runtimeFolder is where the runtime of a language is, beside this package.
func runtimeFolder(t *testing.T, path, file string) string {
	t.Helper()
	dir, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
		t.Fatalf("the runtime that generated modules need is not in %s: %v", dir, err)
	}
	return dir
}

// TestServed runs what was generated, first as it is, then with an author's file
// in the place of the one that an author gets to begin with.
func TestServed(t *testing.T) {
	for language, prepare := range served {
		t.Run(string(language), func(t *testing.T) {
			t.Parallel()
			model, o := caseOf(t, everything)
			o.Language, o.Kind = language, gen.Server
			files := generate(t, model, o)
			dir := t.TempDir()
			write(t, dir, files)
			url := start(t, dir, prepare(t, dir))
			if got, want := post(t, url, "count", `[]`), "-32000: count is not written yet"; got != want {
				t.Errorf("a function that is not written says %s, want %s", got, want)
			}

			for _, f := range files {
				if f.Keep {
					place(t, dir, "served/"+f.Path)
				}
			}
			url = start(t, dir, prepare(t, dir))
			for _, c := range calls {
				if c.inside && language == gen.JavaScript {
					continue
				}
				got := post(t, url, c.function, c.params)
				if c.fault != "" {
					if !strings.HasPrefix(got, c.fault) {
						t.Errorf("%s%s gives %s, want %s", c.function, c.params, got, c.fault)
					}
					continue
				}
				if !json.Valid([]byte(got)) {
					t.Errorf("%s%s gives %s", c.function, c.params, got)
					continue
				}
				if diff := cmp.Diff(decoded(t, c.function, c.result), decoded(t, c.function, got)); diff != "" {
					t.Errorf("%s%s gives (+) what it should not (-):\n%s", c.function, c.params, diff)
				}
			}
		})
	}
}

// start runs a module's program until the test ends, and waits until it answers.
func start(t *testing.T, dir string, cmd *exec.Cmd) (url string) {
	t.Helper()
	addr := strings.TrimPrefix(closedURL(t), "http://")
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &output, &output
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, "HOST="+host, "PORT="+port, "DYNSVC_MODULE=Everything")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		if err := <-ended; err == nil {
			t.Log("the module ended well although it was killed")
		}
	})
	url = "http://" + addr + "/"
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	for {
		if resp, err := http.Get(url); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return url
			}
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the module ended: %v\n%s", err, output.String())
		case <-ctx.Done():
			t.Fatal("the module does not answer")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// post calls a function and returns its result as JSON, or "code: message".
func post(t *testing.T, url, function, params string) string {
	t.Helper()
	body := fmt.Sprintf(`{"version": "1.1", "id": "1", "method": "Everything.%s", "params": %s}`, function, params)
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "secret")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var reply struct {
		Result json.RawMessage `json:"result"`
		Error  *struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil {
		t.Fatalf("%s: %v", function, err)
	}
	if reply.Error != nil {
		return fmt.Sprintf("%d: %s", reply.Error.Code, reply.Error.Message)
	}
	return string(reply.Result)
}
