package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/service"
)

const noModules = "There are no modules that you may see. Try: dynsvc register DIR"

func newList(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the registered modules with their versions, tags, methods and narrative apps",
		Example: "  dynsvc list\n  dynsvc list -json",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			modules, err := r.modules(cmd.Context())
			if err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), modules)
			}
			return printModules(cmd.OutOrStdout(), modules)
		},
	}
}

// modules reads all pages.
func (r *remote) modules(ctx context.Context) ([]service.Module, error) {
	all := []service.Module{}
	for after := ""; ; {
		var page server.ModulePage
		if err := r.do(ctx, http.MethodGet, "/api/v1/modules?after="+url.QueryEscape(after), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Modules...)
		if page.Next == "" {
			return all, nil
		}
		after = page.Next
	}
}

func printModules(w io.Writer, modules []service.Module) error {
	columns := []string{"MODULE", "VERSION", "TAGS", "SERVICE", "METHODS"}
	withApps := slices.ContainsFunc(modules, func(m service.Module) bool {
		return slices.ContainsFunc(m.Versions, func(v service.Version) bool { return len(v.AppIDs) > 0 })
	})
	if withApps {
		columns = append(columns, "APPS")
	}
	t := newTable(w, columns...)
	t.none = noModules
	for _, m := range modules {
		for _, v := range m.Versions {
			var methods []string
			for _, method := range v.Methods {
				methods = append(methods, method.Name)
			}
			cells := []string{m.Name, v.Version, strings.Join(m.TagsOf(v.ID), ","), string(v.ID), strings.Join(methods, " ")}
			if withApps {
				cells = append(cells, strings.Join(v.AppIDs, " "))
			}
			t.row(cells...)
		}
	}
	if len(modules) == 0 {
		_, err := fmt.Fprintln(w, "No module is registered. Try: dynsvc register DIR")
		return err
	}
	return t.flush()
}
