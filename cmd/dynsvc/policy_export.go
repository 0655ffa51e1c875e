package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

func newPolicyExport(r *remote) *cobra.Command {
	var last time.Duration
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Print the usage of all services by the minute, to try a policy on",
		Long: `Prints one JSON object for each service and minute with usage: "dynsvc policy
simulate" reads that. It goes as far back as the operator keeps minutes.`,
		Example: "  dynsvc policy export -last 168h > week.jsonl\n  dynsvc policy simulate week.jsonl -against fixed:10m",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if last <= 0 {
				return usagef("-last %s is no time that has passed", last)
			}
			query := url.Values{"since": {time.Now().Add(-last).UTC().Format(time.RFC3339)}}
			answer, err := r.open(cmd.Context(), http.MethodGet, "/api/v1/usage?"+query.Encode(), "", nil)
			if err != nil {
				return err
			}
			defer answer.Close()
			lines := bufio.NewScanner(answer)
			for lines.Scan() {
				var fault struct {
					Error string `json:"error"`
				}
				if json.Unmarshal(lines.Bytes(), &fault) == nil && fault.Error != "" {
					return errors.New(fault.Error)
				}
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", lines.Bytes()); err != nil {
					return err
				}
			}
			return lines.Err()
		},
	}
	cmd.Flags().DurationVar(&last, "last", 24*time.Hour, "how far back")
	return cmd
}
