package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/service"
)

func newOwner(r *remote) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "owner",
		Short: "Say who may change a module",
		Long: `Says who may register versions of a module, move its tags, start and stop its services
and read their logs. Who registers a new name owns it, with those whom the manifest names;
later manifests add owners and take none away.`,
		Args: exactly(0, "a command: add or remove"),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	change := func(use, short, method string) *cobra.Command {
		return &cobra.Command{
			Use:     use + " MODULE USER",
			Short:   short,
			Example: "  dynsvc owner " + use + " FilterContigs grace",
			Args:    exactly(2, "a module and a user"),
			RunE: func(cmd *cobra.Command, args []string) error {
				var m server.Owners
				path := "/api/v1/modules/" + url.PathEscape(args[0]) + "/owners/" + url.PathEscape(args[1])
				if err := r.do(cmd.Context(), method, path, nil, &m); err != nil {
					return err
				}
				if r.json {
					return printJSON(cmd.OutOrStdout(), m)
				}
				names := strings.Join(m.Owners, ", ")
				if names == "" {
					names = "the admins alone"
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s belongs to %s\n", m.Module, names)
				return err
			},
		}
	}
	cmd.AddCommand(change("add", "Make a user an owner of a module", http.MethodPut),
		change("remove", "End a user's ownership of a module", http.MethodDelete))
	return cmd
}

func newWhoami(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:     "whoami",
		Short:   "Say who you are to the agent: name, role and the scopes of your token",
		Example: "  dynsvc whoami\n  dynsvc whoami -token $KB_AUTH_TOKEN -json",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var c service.Caller
			if err := r.do(cmd.Context(), http.MethodGet, "/api/v1/whoami", nil, &c); err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), c)
			}
			if !c.Known() {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "anonymous: no token was sent (give -token or set $DYNSVC_TOKEN)")
				return err
			}
			text := fmt.Sprintf("%s, %s, by %s", c.Who(), c.Role, c.From)
			if c.Scopes != nil {
				words := make([]string, len(c.Scopes))
				for i, s := range c.Scopes {
					words[i] = string(s)
				}
				text += ", scopes " + strings.Join(words, " ")
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), text)
			return err
		},
	}
}
