package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/service"
)

func newTag(r *remote) *cobra.Command {
	var share int
	var sticky string
	cmd := &cobra.Command{
		Use:   "tag MODULE@VERSION TAG",
		Short: "Move a tag to a version: release it, or roll it back",
		Long: `Moves a tag to a version. While the version that the tag meant before runs and
the new one does not yet, the old one answers, for five minutes at most; the tag
dev moves at once.

With -split the tag stays where it is and the version gets that share of its
calls, until the share is changed, ended with -split 0, or the tag is moved.`,
		Example: `  dynsvc tag FilterContigs@1.2.0 release
  dynsvc tag FilterContigs@dev beta
  dynsvc tag FilterContigs@1.3.0 release -split 10 -sticky cookie:session
  dynsvc tag FilterContigs@1.3.0 release -split 0`,
		Args: exactly(2, "a version and a tag"),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := r.version(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			path := "/api/v1/modules/" + url.PathEscape(v.Module) + "/tags/" + url.PathEscape(args[1])
			if cmd.Flags().Changed("split") {
				return r.split(cmd, v, args[1], path+"/split", share, sticky)
			}
			if sticky != "" {
				return usagef("-sticky goes with -split")
			}
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
	cmd.Flags().IntVar(&share, "split", 0, "percent of the tag's calls that the version gets, 1 to 99; 0 ends it")
	cmd.Flags().StringVar(&sticky, "sticky", "", "header:NAME or cookie:NAME, whose value decides a call's version")
	return cmd
}

// split sets or ends a share of a tag's calls.
func (r *remote) split(cmd *cobra.Command, v service.Version, tag, path string, share int, sticky string) error {
	header, cookie, err := stickyTo(sticky)
	if err != nil {
		return err
	}
	m, err := r.setSplit(cmd.Context(), v, path, service.Split{Percent: share, Header: header, Cookie: cookie})
	if err != nil {
		return err
	}
	if r.json {
		return printJSON(cmd.OutOrStdout(), m)
	}
	if share == 0 {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s has all calls of %s@%s again\n", m.Tags[tag], m.Name, tag)
	} else {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s gets %d percent of the calls of %s@%s, %s the rest\n", v.Module, v.Version, share, m.Name, tag, m.Tags[tag])
	}
	return err
}

func (r *remote) setSplit(ctx context.Context, v service.Version, path string, s service.Split) (m service.Module, err error) {
	if s.Percent == 0 {
		err = r.do(ctx, http.MethodDelete, path, nil, &m)
		return m, err
	}
	err = r.do(ctx, http.MethodPut, path, map[string]any{
		"version": v.ID, "percent": s.Percent, "header": s.Header, "cookie": s.Cookie}, &m)
	return m, err
}

func stickyTo(text string) (header, cookie string, err error) {
	kind, name, _ := strings.Cut(text, ":")
	switch {
	case text == "":
		return "", "", nil
	case kind == "header" && name != "":
		return name, "", nil
	case kind == "cookie" && name != "":
		return "", name, nil
	}
	return "", "", usagef("-sticky %q is neither header:NAME nor cookie:NAME", text)
}
