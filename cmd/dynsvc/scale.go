package main

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"
)

func newStart(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:     "start MODULE[@VERSION]",
		Short:   "Start an instance now, or let a stopped service run again",
		Example: "  dynsvc start FilterContigs",
		Args:    exactly(1, "a module, or a module and version"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.act(cmd, args[0], "start", nil, "started")
		},
	}
}

func newStop(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "stop MODULE[@VERSION]",
		Short: "Stop a service and refuse its calls until it is started again",
		Long: `Lets calls in flight end, then stops all instances. Calls get 503 until
"dynsvc start". To stop instances but let the next call start them again, use
"dynsvc scale MODULE 0".`,
		Example: "  dynsvc stop FilterContigs@1.1.0",
		Args:    exactly(1, "a module, or a module and version"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.act(cmd, args[0], "stop", nil, "stopped")
		},
	}
}

func newScale(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "scale MODULE[@VERSION] COUNT",
		Short: "Set the number of instances and hold it for a while",
		Example: `  dynsvc scale FilterContigs 3
  dynsvc scale FilterContigs@dev 0`,
		Args: exactly(2, "a module and a count"),
		RunE: func(cmd *cobra.Command, args []string) error {
			count, err := strconv.Atoi(args[1])
			if err != nil || count < 0 {
				return usagef("the count %q is not a number of instances", args[1])
			}
			return r.act(cmd, args[0], "scale", map[string]int{"count": count}, "scaled to "+args[1])
		},
	}
}

// act asks for a change of one service and says that it was made.
func (r *remote) act(cmd *cobra.Command, target, verb string, in any, done string) error {
	v, err := r.version(cmd.Context(), target)
	if err != nil {
		return err
	}
	if err := r.do(cmd.Context(), http.MethodPost, "/api/v1/services/"+string(v.ID)+"/"+verb, in, nil); err != nil {
		return err
	}
	if r.json {
		return printJSON(cmd.OutOrStdout(), map[string]any{"service": v.ID, "done": done})
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s %s (%s)\n", v.Module, v.Version, done, v.ID)
	return err
}
