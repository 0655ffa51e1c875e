package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/service"
)

// planning is "dynsvc plan".
type planning struct {
	*remote
	tag     string
	jobspec bool
}

func newPlan(r *remote) *cobra.Command {
	c := &planning{remote: r}
	cmd := &cobra.Command{
		Use:   "plan DIR|ARCHIVE",
		Short: "Show what registering a module would come to; nothing is stored",
		Long: `Has the agent go through a registration, as "dynsvc register" does, and stop before
anything is stored, built or run: it reads the manifest and the interface, checks who
registers and whether the version can be, places the service on the nodes that are
there, and has Nomad check the job. What would be refused is refused here.`,
		Example: "  dynsvc plan .\n  dynsvc plan . -jobspec > job.nomad.hcl",
		Args:    exactly(1, "a folder or an archive"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(cmd.Context(), args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&c.tag, "tag", service.Dev, "tag that would be moved to the version")
	cmd.Flags().BoolVar(&c.jobspec, "jobspec", false, "print the Nomad job that it would run as, and nothing else")
	return cmd
}

func (c *planning) run(ctx context.Context, path string, stdout, stderr io.Writer) error {
	archive, commit, err := openUpload(ctx, path, stderr)
	if err != nil {
		return err
	}
	defer archive.Close()
	query := url.Values{"tag": {c.tag}, "commit": {commit}}
	answer, err := c.open(ctx, http.MethodPost, "/api/v1/plan?"+query.Encode(), "application/octet-stream", archive)
	if err != nil {
		return err
	}
	defer answer.Close()
	var p server.Plan
	if err := json.NewDecoder(answer).Decode(&p); err != nil {
		return fmt.Errorf("read the agent's answer: %w", err)
	}
	for _, notice := range p.Notices {
		fmt.Fprintln(stderr, "note:", notice)
	}
	switch {
	case c.json:
		return printJSON(stdout, p)
	case c.jobspec && p.Jobspec == "":
		return service.Errorf(service.ErrNotFound, "the agent at %s runs no Nomad jobs", c.addr)
	case c.jobspec:
		_, err := io.WriteString(stdout, p.Jobspec)
		return err
	}
	return printPlan(stdout, &p)
}

func printPlan(w io.Writer, p *server.Plan) error {
	v := &p.Version
	if p.New {
		fmt.Fprintf(w, "%s %s would be registered as %s and be %s.\n\n", v.Module, v.Version, v.ID, p.Tag)
	} else {
		fmt.Fprintf(w, "%s %s is registered as %s and would be %s.\n\n", v.Module, v.Version, v.ID, p.Tag)
	}
	t := newColumns(w)
	t.row("Needs", fmt.Sprintf("%d MHz, %d MiB of memory, %d MiB of disk", v.Resources.CPU, v.Resources.Memory, v.Resources.Disk))
	for _, g := range v.Resources.GPUs {
		t.row("", fmt.Sprintf("%d %s %s", g.Count, g.Name, g.Model))
	}
	t.row("Instances", fmt.Sprintf("%d to %d, %d calls at once in each", v.Scale.Min, v.Scale.Max, v.Scale.Concurrency))
	t.row("Idle after", v.Scale.IdleAfter.String())
	for i, m := range v.Methods {
		head := ""
		if i == 0 {
			head = "Methods"
		}
		t.row(head, m.Name+", "+string(m.Mode))
	}
	return t.flush()
}
