package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/service"
)

// logging is "dynsvc logs".
type logging struct {
	*remote
	follow bool
	tail   int
	alloc  string
	build  bool
}

func newLogs(r *remote) *cobra.Command {
	c := &logging{remote: r}
	cmd := &cobra.Command{
		Use:   "logs MODULE[@VERSION]",
		Short: "Print what the instances of a service printed, or the build of its image",
		Example: `  dynsvc logs FilterContigs
  dynsvc logs -f -n 20 FilterContigs@dev
  dynsvc logs -build FilterContigs@dev`,
		Args: exactly(1, "a module, or a module and version"),
		RunE: c.run,
	}
	cmd.Flags().BoolVarP(&c.follow, "follow", "f", false, "go on, with instances that start later, until interrupted")
	cmd.Flags().IntVarP(&c.tail, "tail", "n", 0, "only the last N lines of each instance and stream (0: all that is kept)")
	cmd.Flags().BoolVar(&c.build, "build", false, "what the build of the version's image said, where it was built here")
	cmd.Flags().StringVar(&c.alloc, "alloc", "", "only this instance: its id or the beginning of it")
	return cmd
}

func (c *logging) run(cmd *cobra.Command, args []string) error {
	v, err := c.version(cmd.Context(), args[0])
	if err != nil {
		return err
	}
	if c.build {
		return c.printBuild(cmd, v)
	}
	query := url.Values{"follow": {strconv.FormatBool(c.follow)}, "tail": {strconv.Itoa(c.tail)}, "alloc": {c.alloc}}
	answer, err := c.open(cmd.Context(), http.MethodGet, "/api/v1/services/"+string(v.ID)+"/logs?"+query.Encode(), "", nil)
	if err != nil {
		return err
	}
	defer answer.Close()
	lines := bufio.NewScanner(answer)
	lines.Buffer(nil, 1<<20)
	some := false
	for lines.Scan() {
		some = true
		if err := c.print(cmd, lines.Bytes()); err != nil {
			return err
		}
	}
	if cmd.Context().Err() != nil {
		return nil // interrupted, which is how following ends
	}
	if err := lines.Err(); err != nil || some {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "note: no instance of %s %s has printed anything that is kept\n", v.Module, v.Version)
	return nil
}

// printBuild prints the log of a build as it is.
func (c *logging) printBuild(cmd *cobra.Command, v service.Version) error {
	answer, err := c.open(cmd.Context(), http.MethodGet, "/api/v1/modules/"+url.PathEscape(v.Module)+"/versions/"+url.PathEscape(string(v.ID))+"/build", "", nil)
	if err != nil {
		return err
	}
	defer answer.Close()
	_, err = io.Copy(cmd.OutOrStdout(), answer)
	return err
}

func (c *logging) print(cmd *cobra.Command, text []byte) error {
	var line struct {
		service.LogLine
		Error string `json:"error"`
	}
	if err := json.Unmarshal(text, &line); err != nil {
		return fmt.Errorf("read the agent's answer: %w", err)
	}
	if line.Error != "" {
		return errors.New(line.Error)
	}
	if c.json {
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
		return err
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%.8s %s  %s\n", line.Alloc, line.Stream, line.Text)
	return err
}
