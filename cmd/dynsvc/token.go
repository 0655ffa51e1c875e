package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/store"
)

func newToken(r *remote) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke tokens",
		Long: `Makes, lists and revokes dynsvc's own tokens. What one allows is its scopes:

  call:MODULE       calls of the module; call:* of every module
  register          registering and managing the modules of its user, and new ones
  register:MODULE   the same, for this module alone
  admin             everything

Admins make tokens for everyone. Whoever logged in with another service's token makes
them for themselves.`,
		Args: exactly(0, "a command: create, list or revoke"),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTokenCreate(r), newTokenList(r), newTokenRevoke(r))
	return cmd
}

func newTokenCreate(r *remote) *cobra.Command {
	var want server.NewToken
	cmd := &cobra.Command{
		Use:   "create SCOPE...",
		Short: "Make a token and print it, this once",
		Long: `Makes a token with the given scopes and prints it. It is stored as a hash only, so it
cannot be printed again. Standard output is the token and nothing else.`,
		Example: `  dynsvc token create -user ada register call:*
  dynsvc token create -user ci -note "release job" -expires 720h register:FilterContigs`,
		Args: between(1, 100, "one scope or more"),
		RunE: func(cmd *cobra.Command, args []string) error {
			want.Scopes = args
			var made server.MadeToken
			if err := r.do(cmd.Context(), http.MethodPost, "/api/v1/tokens", want, &made); err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), made)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "Token %s of %s for %s, expires %s. Keep it: it cannot be shown again.\n",
				made.ID, made.User, scopes(made.Token), expiry(made.Token))
			_, err := fmt.Fprintln(cmd.OutOrStdout(), made.Secret)
			return err
		},
	}
	cmd.Flags().StringVar(&want.User, "user", "", "whose it is (default: yours)")
	cmd.Flags().StringVar(&want.Note, "note", "", "what it is for")
	cmd.Flags().StringVar(&want.Expires, "expires", "", "how long it holds, e.g. 720h, or never (default: as the operator says, 90 days)")
	return cmd
}

func newTokenList(r *remote) *cobra.Command {
	var user string
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List tokens, without themselves: yours, or all for an admin",
		Example: "  dynsvc token list\n  dynsvc token list -user ci -json",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			tokens := []store.Token{}
			if err := r.do(cmd.Context(), http.MethodGet, "/api/v1/tokens?user="+url.QueryEscape(user), nil, &tokens); err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), tokens)
			}
			return printTokens(cmd.OutOrStdout(), tokens)
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "only those of this user")
	return cmd
}

func printTokens(w io.Writer, tokens []store.Token) error {
	t := newTable(w, "ID", "USER", "SCOPES", "EXPIRES", "USED", "NOTE")
	t.none = "There are no tokens. Try: dynsvc token create -user NAME SCOPE"
	for _, token := range tokens {
		t.row(token.ID, token.User, scopes(token), expiry(token), ago(token.UsedAt), token.Note)
	}
	return t.flush()
}

func newTokenRevoke(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:     "revoke ID...",
		Short:   "End tokens at once and for good",
		Example: "  dynsvc token revoke 3f09c1d2a4b7",
		Args:    between(1, 100, "one id or more, as \"dynsvc token list\" prints them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, id := range args {
				if err := r.do(cmd.Context(), http.MethodDelete, "/api/v1/tokens/"+url.PathEscape(id), nil, nil); err != nil {
					return err
				}
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s is revoked\n", id); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func scopes(t store.Token) string {
	words := make([]string, len(t.Scopes))
	for i, s := range t.Scopes {
		words[i] = string(s)
	}
	return strings.Join(words, " ")
}

func expiry(t store.Token) string {
	switch {
	case !t.RevokedAt.IsZero():
		return "revoked"
	case t.ExpiresAt.IsZero():
		return "never"
	case time.Now().After(t.ExpiresAt):
		return "expired"
	}
	return t.ExpiresAt.Format(time.DateOnly)
}
