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
	"os"
	"strings"

	"github.com/spf13/cobra"
)

func newCall(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "call MODULE[@VERSION] METHOD [PARAMS|@FILE|-]",
		Short: "Call a method and print its result",
		Long: `Calls a method with JSON parameters, an array as the interface says, and prints
the result as JSON. "@FILE" reads the parameters from a file, "-" from standard
input. The first call starts the service and waits for it.`,
		Example: `  dynsvc call FilterContigs status
  dynsvc call FilterContigs@1.2.0 filter_contigs '[{"fasta": ">a\nACGT\n", "min_length": 2}]'
  dynsvc call FilterContigs filter_contigs @params.json`,
		Args: between(2, 3, "a module, a method and its parameters"),
		RunE: func(cmd *cobra.Command, args []string) error {
			params := json.RawMessage("[]")
			if len(args) == 3 {
				text, err := readParams(args[2], cmd.InOrStdin())
				if err != nil {
					return err
				}
				params = text
			}
			result, err := r.call(cmd.Context(), args[0], args[1], params)
			if err != nil {
				return err
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, result, "", "  "); err != nil {
				return fmt.Errorf("the result is not JSON: %w", err)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), pretty.String())
			return err
		},
	}
}

func readParams(arg string, stdin io.Reader) (json.RawMessage, error) {
	text := []byte(arg)
	var err error
	switch {
	case arg == "-":
		text, err = io.ReadAll(stdin)
	case strings.HasPrefix(arg, "@"):
		text, err = os.ReadFile(arg[1:])
	}
	if err != nil {
		return nil, fmt.Errorf("read the parameters: %w", err)
	}
	var params []json.RawMessage
	if err := json.Unmarshal(text, &params); err != nil {
		return nil, usagef("the parameters have to be a JSON array, e.g. '[{\"min_length\": 500}]': %w", err)
	}
	return text, nil
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

// call sends a JSON-RPC 1.1 request through the gateway.
func (r *remote) call(ctx context.Context, target, method string, params json.RawMessage) (json.RawMessage, error) {
	if err := r.resolve(); err != nil {
		return nil, err
	}
	module, ref, hasRef := strings.Cut(target, "@")
	path := "/svc/" + url.PathEscape(module)
	if hasRef {
		path += "@" + url.PathEscape(ref)
	}
	if !strings.Contains(method, ".") {
		method = module + "." + method
	}
	text, err := json.Marshal(map[string]any{"version": "1.1", "id": "1", "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.addr+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reach the agent at %s: %w", r.addr, unwrapURL(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	var answer struct {
		Result json.RawMessage `json:"result"`
		Error  *rpcError       `json:"error"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || (answer.Result == nil && answer.Error == nil) {
		return nil, fmt.Errorf("%s answered %s: %s", module, resp.Status, bytes.TrimSpace(body))
	}
	if answer.Error != nil {
		return nil, answer.Error.of(method)
	}
	return answer.Result, nil
}
