package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/service"
)

func newJobspecVerify(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "verify DIR",
		Short: "Compare exported jobs with what would be rendered and with what Nomad runs",
		Long: `Compares, for each registered version, the file in the folder with the job that
the agent would render now, and that with the one that Nomad has. Every difference
is printed as a diff and makes the exit code 1; so do versions without a file, and
files of services that are not registered. Counts are no part of this: they belong
to the scheduler.

Nomad keeps the text of a job for its last six versions, and each change of a count
is one. Where the text is gone, the digests in the job's meta are compared.`,
		Example: "  dynsvc jobspec verify jobs",
		Args:    exactly(1, "a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.verifyJobspecs(cmd.Context(), os.DirFS(args[0]), args[0], cmd.OutOrStdout())
		},
	}
}

// errDiffers is told after the differences were printed.
var errDiffers = errors.New("not everything is as committed")

func (r *remote) verifyJobspecs(ctx context.Context, dir fs.FS, name string, out io.Writer) error {
	names, err := fs.Glob(dir, "*"+jobspecExtension)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("%s has no *%s file: write them with \"dynsvc jobspec export %s\"", name, jobspecExtension, name)
	}
	all, differ := 0, 0
	err = r.eachVersion(ctx, func(v service.Version) error {
		all++
		file := string(v.ID) + jobspecExtension
		names = slices.DeleteFunc(names, func(n string) bool { return n == file })
		same, err := r.verifyJobspec(ctx, v, dir, filepath.Join(name, file), out)
		if !same {
			differ++
		}
		return err
	})
	for _, left := range names {
		differ++
		fmt.Fprintf(out, "%s is of a service that is not registered\n", filepath.Join(name, left))
	}
	if err != nil {
		return err
	}
	if differ > 0 {
		return fmt.Errorf("%w: %d differ; \"dynsvc jobspec export %s\" writes what would be rendered", errDiffers, differ, name)
	}
	fmt.Fprintf(out, "%d versions: committed, rendered and running are the same\n", all)
	return nil
}

// verifyJobspec compares the three states of one version.
func (r *remote) verifyJobspec(ctx context.Context, v service.Version, dir fs.FS, path string, out io.Writer) (same bool, err error) {
	rendered, err := r.rendered(ctx, v)
	if err != nil {
		return false, err
	}
	same = true
	committed, err := fs.ReadFile(dir, string(v.ID)+jobspecExtension)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		same = false
		fmt.Fprintf(out, "%s is missing: %s %s\n", path, v.Module, v.Version)
	case err != nil:
		return false, err
	case string(committed) != rendered:
		same = false
		fmt.Fprintf(out, "%s", diff.Diff(path, committed, "rendered now", []byte(rendered)))
	}
	var runs server.Submitted
	err = r.do(ctx, http.MethodGet, "/api/v1/services/"+url.PathEscape(string(v.ID))+"/jobspec", nil, &runs)
	var absent *problem
	switch {
	case errors.As(err, &absent) && absent.Status == http.StatusNotFound:
		fmt.Fprintf(out, "%s: %s\n", v.ID, absent.Detail)
		return false, nil
	case err != nil:
		return false, err
	case runs.Digest != "" && strings.Contains(rendered, runs.Digest):
		return same, nil
	case runs.HCL == "":
		fmt.Fprintf(out, "%s: Nomad runs another jobspec, %s, whose text it has forgotten\n", v.ID, runs.Digest)
	default:
		fmt.Fprintf(out, "%s", diff.Diff("rendered now", []byte(rendered), "in Nomad", []byte(runs.HCL)))
	}
	return false, nil
}
