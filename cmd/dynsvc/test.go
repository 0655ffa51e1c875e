package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/kidl"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/workshop"
)

// trying is "dynsvc test".
type trying struct {
	*remote
	logLevel string
}

func newTest(r *remote) *cobra.Command {
	c := &trying{remote: r}
	cmd := &cobra.Command{
		Use:   "test [DIR] [-- COMMAND ARG...]",
		Short: "Start a module's folder, make its example calls, run its own tests",
		Long: `Starts the module in DIR (by default this folder) on this machine as an agent
would, waits until it is ready, and makes the example calls in tests/*.json: each
has a method, params, and the result or error that has to come back. Results are
also held against the interface.

What follows "--" is run in the folder as well: the module's own tests. They find
the agent in $DYNSVC_URL, as generated clients do, the module itself in
$DYNSVC_MODULE_URL, and an admin token in $DYNSVC_TOKEN.`,
		Example: `  dynsvc test
  dynsvc test -- python3 -m unittest
  dynsvc test ./mymodule -- go test ./...`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var own []string
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				args, own = args[:dash], args[dash:]
			}
			if err := between(0, 1, "at most a folder, and a command after --")(cmd, args); err != nil {
				return err
			}
			return c.run(cmd.Context(), folderOf(args), own, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&c.logLevel, "log-level", "error", "trace, debug, info, warn or error")
	return cmd
}

func (c *trying) run(ctx context.Context, dir string, own []string, stdout, stderr io.Writer) error {
	log, err := logger(c.logLevel, stderr)
	if err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	examples, err := workshop.ReadExamples(os.DirFS(dir))
	if err != nil {
		return err
	}
	if len(examples) == 0 && len(own) == 0 {
		return usagef("there is nothing to test: write example calls into %s, or give a command after --", workshop.ExampleFiles)
	}
	data, err := os.MkdirTemp("", "dynsvc-test")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data) //nolint:errcheck // a temporary folder
	agent, err := openLocal(ctx, localSetup{log: log, addr: "127.0.0.1:0", data: data, place: dir, noDocker: withoutDocker(dir)})
	if err != nil {
		return err
	}
	var verdict error
	err = agent.run(ctx, func(ctx context.Context) error {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		ended := make(chan error, 1)
		go func() { ended <- agent.serve(ctx, agent.listen()) }()
		trial := &trial{localAgent: agent, dir: dir, stdout: stdout, stderr: stderr, json: c.json}
		verdict = trial.run(ctx, examples, own)
		stop()
		return <-ended
	})
	return errors.Join(verdict, err)
}

// trial is one run of a module's tests.
type trial struct {
	*localAgent
	dir            string
	stdout, stderr io.Writer
	json           bool
	version        service.Version
	model          *kidl.Model // nil: a raw HTTP service
}

func (t *trial) run(ctx context.Context, examples []workshop.Example, own []string) error {
	registered, err := t.registerAll(ctx, []string{t.dir}, t.stderr)
	if err != nil {
		return err
	}
	t.version = registered[0].version
	if t.version.Typed {
		if t.model, err = t.catalog.Interface(ctx, t.version); err != nil {
			return err
		}
	}
	if err := t.ready(ctx); err != nil {
		return err
	}
	failed, err := t.examples(ctx, examples)
	if err != nil {
		return err
	}
	var faults []error
	if failed > 0 {
		t.printLogs(ctx)
		faults = append(faults, fmt.Errorf("%d of %d example calls failed", failed, len(examples)))
	}
	if len(own) > 0 {
		faults = append(faults, t.own(ctx, own))
	}
	return errors.Join(faults...)
}

// ready waits until the module answers. The gateway holds the request for that
// long, and says why where it cannot be started.
func (t *trial) ready(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url()+t.version.Run.Health.Path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode < http.StatusBadGateway {
		return nil
	}
	why := struct {
		Detail string
		Log    []string
	}{Detail: resp.Status}
	if err := json.NewDecoder(resp.Body).Decode(&why); err != nil {
		return fmt.Errorf("%s did not start: %s", t.version.Module, resp.Status)
	}
	return fmt.Errorf("%s\n%s", why.Detail, strings.Join(why.Log, "\n"))
}

// url is that of the module.
func (t *trial) url() string {
	return t.dev.URL + "/svc/" + url.PathEscape(t.version.Module) + "@" + service.Dev
}

// outcome is how an example call ended.
type outcome struct {
	File   string  `json:"file"`
	Method string  `json:"method"`
	Name   string  `json:"name,omitempty"`
	TookMS float64 `json:"took_ms"`
	Fault  string  `json:"fault,omitempty"` // empty: as it should
}

// examples makes the example calls, one after the other, and tells how many failed.
func (t *trial) examples(ctx context.Context, examples []workshop.Example) (failed int, err error) {
	outcomes := []outcome{}
	agent := &remote{addr: t.dev.URL}
	for _, e := range examples {
		began := time.Now()
		result, refused, err := agent.rpc(ctx, t.version.Module+"@"+service.Dev, e.Method, e.Params)
		if err != nil {
			return failed, err
		}
		answer := workshop.Answer{Result: result}
		if refused != nil {
			answer.Error = &workshop.ExampleError{Code: refused.Code, Message: refused.Message}
		}
		var f *kidl.Function
		if t.model != nil {
			f, _ = t.model.Function(t.version.Module + "." + e.Method)
		}
		o := outcome{File: e.File, Method: e.Method, Name: e.Name, TookMS: float64(time.Since(began).Microseconds()) / 1000}
		if fault := e.Judge(answer, f); fault != nil {
			o.Fault = fault.Error()
			failed++
		}
		outcomes = append(outcomes, o)
		switch {
		case t.json:
		case o.Fault != "":
			fmt.Fprintf(t.stdout, "FAIL  %s\n      %s\n", e, o.Fault)
		default:
			fmt.Fprintf(t.stdout, "ok    %s  %.0f ms\n", e, o.TookMS)
		}
	}
	if t.json {
		return failed, printJSON(t.stdout, outcomes)
	}
	return failed, nil
}

// printLogs shows what the module printed last.
func (t *trial) printLogs(ctx context.Context) {
	err := t.cluster.Logs(ctx, t.version.ID, service.LogOptions{Tail: 20}, func(l service.LogLine) error {
		_, err := fmt.Fprintf(t.stderr, "%s: %s\n", t.version.Module, l.Text)
		return err
	})
	if err != nil {
		fmt.Fprintln(t.stderr, "read the module's output:", err)
	}
}

// own runs the module's own tests.
func (t *trial) own(ctx context.Context, command []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = t.dir
	cmd.Env = append(os.Environ(), "DYNSVC_URL="+t.dev.URL, "DYNSVC_ADDR="+t.dev.URL, "DYNSVC_TOKEN="+t.dev.Token, "DYNSVC_MODULE_URL="+t.url())
	cmd.Stdout, cmd.Stderr = t.stderr, t.stderr
	if !t.json {
		cmd.Stdout = t.stdout
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(command, " "), err)
	}
	return nil
}
