package main

import (
	"context"
	"encoding/json"
	"errors"
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
	tag    string
	git    string
	ref    string
	cancel int64
}

func newRegister(r *remote) *cobra.Command {
	c := &registering{remote: r}
	cmd := &cobra.Command{
		Use:   "register DIR|ARCHIVE|-git URL|-cancel NUMBER",
		Short: "Register a module: a folder, a tar, tar.gz or zip of one, or a git repository",
		Long: `Uploads the manifest (module.hcl, or kbase.yml), the interface, the documentation
and the other files of a module. The version never changes afterwards: the same
files register as the same version again, however often.

Where the manifest's run block has build, that command is run in the folder first.
Files that .dynsvcignore names, and .git, are left out. Where the folder is a git
work tree without changes, the commit is recorded.

With -git the agent clones the repository, without its history and submodules, and
registers the commit as it is; its log is shown until it has ended. -cancel ends one
that goes on.

Where the manifest names a Dockerfile, or a kbase.yml has one beside it, and the agent
builds images, the image is built first, and what the build says is shown. The image
of the same files is built once.`,
		Example: `  dynsvc register examples/filtercontigs
  dynsvc register . -tag release
  dynsvc register -git https://github.com/me/mymodule -ref v1.2.0 -tag beta
  dynsvc register filtercontigs.tar.gz -json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if c.git != "" || c.cancel != 0 {
				return exactly(0, "either a folder or archive, or -git and a URL, or -cancel and a number")(cmd, args)
			}
			return exactly(1, "a folder or an archive, or -git and a URL")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if c.cancel != 0 {
				return c.runCancel(cmd.Context(), cmd.ErrOrStderr())
			}
			if c.git != "" {
				return c.runGit(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			if c.ref != "" {
				return usagef("-ref goes with -git: a folder is registered as it is")
			}
			return c.run(cmd.Context(), args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&c.git, "git", "", "URL of a repository that the agent clones")
	cmd.Flags().StringVar(&c.ref, "ref", "", "with -git: branch, tag or whole commit (default: the repository's default branch)")
	cmd.Flags().Int64Var(&c.cancel, "cancel", 0, "end the registration from git with this number, and its build")
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
	answer, err := c.open(ctx, http.MethodPost, "/api/v1/uploads?"+query.Encode(), "application/octet-stream", archive)
	if err != nil {
		return err
	}
	defer answer.Close()
	got, err := follow(answer, stderr)
	if err != nil {
		return err
	}
	for _, notice := range got.Notices {
		fmt.Fprintln(stderr, "note:", notice)
	}
	if c.json {
		return printJSON(stdout, got)
	}
	return c.report(stdout, got.Version, got.URL)
}

// follow prints what a registration says on the way, and returns its end.
func follow(answer io.Reader, stderr io.Writer) (server.Registered, error) {
	lines := json.NewDecoder(answer)
	for {
		var l server.UploadLine
		if err := lines.Decode(&l); err != nil {
			return server.Registered{}, fmt.Errorf("read the agent's answer: %w", noEOF(err))
		}
		if _, err := io.WriteString(stderr, l.Log); err != nil {
			return server.Registered{}, err
		}
		switch {
		case l.Error != "":
			return server.Registered{}, errors.New(l.Error)
		case l.Registered != nil:
			return *l.Registered, nil
		}
	}
}

// noEOF says what the end of an answer means that is not whole.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("it broke off: was the agent stopped?")
	}
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
