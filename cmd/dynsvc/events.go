package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/server"
)

func newEvents(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "events [MODULE]",
		Short: "Print what happens, as it does: registrations, tags, decisions, phases",
		Long: `Prints a line for each thing that happens to the modules that you may change, or to
one of them, until you end it or the agent stops. With -json each line is an object.`,
		Example: "  dynsvc events\n  dynsvc events FilterContigs -json",
		Args:    between(0, 1, "a module at most"),
		RunE: func(cmd *cobra.Command, args []string) error {
			query := url.Values{}
			if len(args) == 1 {
				query.Set("module", args[0])
			}
			answer, err := r.open(cmd.Context(), http.MethodGet, "/api/v1/events?"+query.Encode(), "", nil)
			if err != nil {
				return err
			}
			defer answer.Close()
			err = printEvents(cmd.OutOrStdout(), answer, r.json)
			if cmd.Context().Err() != nil {
				return nil // the user ended it
			}
			return err
		},
	}
}

// printEvents prints a stream of server-sent events, whose data is one line here.
func printEvents(w io.Writer, stream io.Reader, raw bool) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		text, isData := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !isData {
			continue
		}
		if raw {
			if _, err := fmt.Fprintf(w, "%s\n", text); err != nil {
				return err
			}
			continue
		}
		var e server.Event
		if err := json.Unmarshal(text, &e); err != nil {
			return fmt.Errorf("read an event: %w", err)
		}
		what := e.Module
		if e.Version != "" {
			what += " " + e.Version
		}
		if what != "" {
			what += " "
		}
		if _, err := fmt.Fprintf(w, "%s  %s%s\n", e.At.Local().Format(time.DateTime), what, e.Text); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return errors.New("the agent ended the stream: it stops, or this program read too slowly")
}
