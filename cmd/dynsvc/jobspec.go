package main

import (
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

func newJobspec(r *remote) *cobra.Command {
	cmd := &cobra.Command{Use: "jobspec", Short: "Nomad jobs as they are rendered from the templates"}
	cmd.AddCommand(&cobra.Command{
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
			path := "/api/v1/modules/" + url.PathEscape(v.Module) + "/versions/" + url.PathEscape(string(v.ID)) + "/jobspec"
			hcl, err := r.open(cmd.Context(), http.MethodGet, path, "", nil)
			if err != nil {
				return err
			}
			defer hcl.Close()
			text, err := io.ReadAll(hcl)
			if err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), map[string]string{"service": string(v.ID), "hcl": string(text)})
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	})
	return cmd
}
