package main

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/service"
)

func newTag(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:     "tag MODULE@VERSION TAG",
		Short:   "Move a tag to a version: release it, or roll it back",
		Example: "  dynsvc tag FilterContigs@1.2.0 release\n  dynsvc tag FilterContigs@dev beta",
		Args:    exactly(2, "a version and a tag"),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := r.version(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			path := "/api/v1/modules/" + url.PathEscape(v.Module) + "/tags/" + url.PathEscape(args[1])
			var tagged service.Version
			if err := r.do(cmd.Context(), http.MethodPut, path, map[string]string{"version": string(v.ID)}, &tagged); err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), tagged)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s is now %s\n", tagged.Module, tagged.Version, args[1])
			return err
		},
	}
}
