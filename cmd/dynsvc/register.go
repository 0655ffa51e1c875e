package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/server"
)

// registering is "dynsvc register".
type registering struct {
	*remote
	tag string
}

func newRegister(r *remote) *cobra.Command {
	c := &registering{remote: r}
	cmd := &cobra.Command{
		Use:   "register DIR|ARCHIVE",
		Short: "Register a module: a folder, or a tar, tar.gz or zip of one",
		Long: `Uploads the manifest (module.hcl, or kbase.yml), the interface, the documentation
and the other files of a module. The version never changes afterwards: the same
files register as the same version again, however often.

Where the manifest's run block has build, that command is run in the folder first.
Files that .dynsvcignore names, and .git, are left out. Where the folder is a git
work tree without changes, the commit is recorded.`,
		Example: `  dynsvc register examples/filtercontigs
  dynsvc register . -tag release
  dynsvc register filtercontigs.tar.gz -json`,
		Args: exactly(1, "a folder or an archive"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(cmd.Context(), args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&c.tag, "tag", "dev", "tag that is moved to the version: dev, beta, release or one of your own")
	return cmd
}

func (c *registering) run(ctx context.Context, path string, stdout, stderr io.Writer) error {
	archive, commit, err := openUpload(ctx, path, stderr)
	if err != nil {
		return err
	}
	defer archive.Close()
	query := url.Values{"tag": {c.tag}, "commit": {commit}}
	answer, err := c.open(ctx, http.MethodPost, "/api/v1/modules?"+query.Encode(), "application/octet-stream", archive)
	if err != nil {
		return err
	}
	defer answer.Close()
	var got server.Registered
	if err := json.NewDecoder(answer).Decode(&got); err != nil {
		return fmt.Errorf("read the agent's answer: %w", err)
	}
	for _, notice := range got.Notices {
		fmt.Fprintln(stderr, "note:", notice)
	}
	if c.json {
		return printJSON(stdout, got)
	}
	_, err = fmt.Fprintf(stdout, "Registered %s %s as %s (tag %s)\nCall it at %s\n",
		got.Version.Module, got.Version.Version, got.Version.ID, c.tag, got.URL)
	return err
}

// openUpload opens an archive as it is, or builds and packs a folder.
func openUpload(ctx context.Context, path string, stderr io.Writer) (archive io.ReadCloser, commit string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", err
	}
	if !info.IsDir() {
		f, err := os.Open(path)
		return f, "", err
	}
	if err := buildFolder(ctx, path, stderr); err != nil {
		return nil, "", err
	}
	packed, err := catalog.Pack(path)
	if err != nil {
		return nil, "", err
	}
	return io.NopCloser(packed), catalog.GitCommit(ctx, path), nil
}
