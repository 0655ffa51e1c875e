package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

// calling is "dynsvc call".
type calling struct {
	*remote
	params []string
	async  bool
}

func newCall(r *remote) *cobra.Command {
	c := &calling{remote: r}
	cmd := &cobra.Command{
		Use:   "call MODULE[@VERSION] METHOD [PARAMS|@FILE|-] [-p NAME=VALUE...]",
		Short: "Call a method and print its result",
		Long: `Calls a method and prints the result as JSON. The parameters are JSON, an array as
the interface says or an object by name: as they are, from a file ("@FILE") or from
standard input ("-"). Or each is given by its name with -p, as are the fields of a
function's only structure: text as it is, everything else as JSON, or as "@FILE"
or "-". The first call starts the service and waits for it.

With -async the call is made as a job: its id is printed, and "dynsvc jobs" tells
what becomes of it.`,
		Example: `  dynsvc call FilterContigs status
  dynsvc call FilterContigs@1.2.0 filter_contigs '[{"fasta": ">a\nACGT\n", "min_length": 2}]'
  dynsvc call FilterContigs filter_contigs @params.json
  dynsvc call FilterContigs filter_contigs -p fasta=@assembly.fasta -p min_length=500
  dynsvc call -async FilterContigs filter_contigs @params.json`,
		Args: between(2, 3, "a module, a method and its parameters"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(cmd.Context(), args, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&c.async, "async", false, "make the call as a job, and do not wait for its result")
	cmd.Flags().StringArrayVarP(&c.params, "param", "p", nil, "a parameter, or a field of the only one: NAME=VALUE, NAME=@FILE, NAME=-")
	return cmd
}

func (c *calling) run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	var params json.RawMessage
	var err error
	switch {
	case len(args) == 3 && len(c.params) > 0:
		return usagef("give the parameters as JSON or with -p, not both")
	case len(args) == 3:
		params, err = readParams(args[2], stdin)
	case len(c.params) > 0:
		params, err = c.paramsFromFlags(ctx, args[0], args[1], c.params, stdin)
	}
	if err != nil {
		return err
	}
	if c.async {
		job, err := c.submit(ctx, args[0], args[1], params)
		if err != nil {
			return err
		}
		if c.json {
			return printJSON(stdout, job)
		}
		_, err = fmt.Fprintln(stdout, job.ID)
		return err
	}
	result, err := c.call(ctx, args[0], args[1], params)
	if err != nil {
		return err
	}
	return printResult(stdout, result)
}

// rpcError is what a JSON-RPC answer says went wrong.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data"`
	Error   any    `json:"error"`
}

// of is the error for a person: the message, then what more the answer says.
func (e *rpcError) of(method string) error {
	text := fmt.Sprintf("%s: %s (code %d)", method, e.Message, e.Code)
	for _, more := range []any{e.Error, e.Data} {
		if s, ok := more.(string); ok && s != "" {
			text += "\n" + s
		}
	}
	return errors.New(text)
}

// call calls a method; an error that it answers is one for a person.
func (r *remote) call(ctx context.Context, target, method string, params json.RawMessage) (json.RawMessage, error) {
	result, refused, err := r.rpc(ctx, target, method, params)
	if refused != nil {
		return nil, refused.of(method)
	}
	return result, err
}

// rpc sends a JSON-RPC request through the gateway: 1.1, or 2.0 where the
// parameters are by name.
func (r *remote) rpc(ctx context.Context, target, method string, params json.RawMessage) (json.RawMessage, *rpcError, error) {
	if err := r.resolve(); err != nil {
		return nil, nil, err
	}
	module, ref, hasRef := strings.Cut(target, "@")
	path := "/svc/" + url.PathEscape(module)
	if hasRef {
		path += "@" + url.PathEscape(ref)
	}
	if !strings.Contains(method, ".") {
		method = module + "." + method
	}
	request := map[string]any{"version": "1.1", "id": "1", "method": method, "params": params}
	if len(params) == 0 {
		request["params"] = []any{}
	}
	if bytes.HasPrefix(bytes.TrimSpace(params), []byte("{")) {
		delete(request, "version")
		request["jsonrpc"] = "2.0"
	}
	text, err := json.Marshal(request)
	if err != nil {
		return nil, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.addr+path, bytes.NewReader(text))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("reach the agent at %s: %w", r.addr, unwrapURL(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("read the answer: %w", err)
	}
	var answer struct {
		Result json.RawMessage `json:"result"`
		Error  *rpcError       `json:"error"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || (answer.Result == nil && answer.Error == nil) {
		return nil, nil, fmt.Errorf("%s answered %s: %s", module, resp.Status, bytes.TrimSpace(body))
	}
	if answer.Error != nil {
		return nil, answer.Error, nil
	}
	return answer.Result, nil, nil
}
