package main

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/service"
)

func newJobspec(r *remote) *cobra.Command {
	cmd := &cobra.Command{Use: "jobspec", Short: "Nomad jobs as they are rendered from the templates: print, export for review in git, verify"}
	cmd.AddCommand(newJobspecRender(r), newJobspecExport(r), newJobspecVerify(r))
	return cmd
}

func newJobspecRender(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "render MODULE[@VERSION]",
		Short: "Print the rendered Nomad job of a version",
		Long: `Prints the HCL that the agent submits for a version, with the placement on the
nodes that the cluster has now. The count in it is 0: counts belong to the
scheduler and are kept when a job is submitted again.`,
		Example: "  dynsvc jobspec render FilterContigs\n  dynsvc jobspec render FilterContigs@1.2.0 | nomad job plan -",
		Args:    exactly(1, "a module, or a module and version"),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := r.version(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			text, err := r.rendered(cmd.Context(), v)
			if err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), map[string]string{"service": string(v.ID), "hcl": text})
			}
			_, err = io.WriteString(cmd.OutOrStdout(), text)
			return err
		},
	}
}

// rendered asks for the job of a version as it would be submitted now.
func (r *remote) rendered(ctx context.Context, v service.Version) (string, error) {
	path := "/api/v1/modules/" + url.PathEscape(v.Module) + "/versions/" + url.PathEscape(string(v.ID)) + "/jobspec"
	hcl, err := r.open(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return "", err
	}
	defer hcl.Close()
	text, err := io.ReadAll(hcl)
	return string(text), err
}
