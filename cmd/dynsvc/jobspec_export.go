package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/service"
)

// jobspecExtension ends the names of exported jobs, as Nomad's tools expect it.
const jobspecExtension = ".nomad.hcl"

func newJobspecExport(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "export DIR",
		Short: "Write the rendered Nomad jobs of all versions into a folder, for review in git",
		Long: `Writes one file for each registered version, named after its service, with the
HCL that the agent submits. Files that are as they should be are not touched, and
files that dynsvc would not write are left alone. A version that cannot be
rendered now is named, and the rest is written.`,
		Example: "  dynsvc jobspec export jobs && git -C jobs diff",
		Args:    exactly(1, "a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.exportJobspecs(cmd.Context(), args[0], cmd.OutOrStdout())
		},
	}
}

func (r *remote) exportJobspecs(ctx context.Context, dir string, out io.Writer) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // nothing was written through the handle itself
	written, all := 0, 0
	err = r.eachVersion(ctx, func(v service.Version) error {
		all++
		text, err := r.rendered(ctx, v)
		if err != nil {
			return err
		}
		name := string(v.ID) + jobspecExtension
		before, err := root.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err == nil && bytes.Equal(before, []byte(text)) {
			return nil
		}
		written++
		fmt.Fprintf(out, "%s  %s %s\n", name, v.Module, v.Version)
		return root.WriteFile(name, []byte(text), 0o644)
	})
	fmt.Fprintf(out, "%d of %d written\n", written, all)
	return err
}

// eachVersion visits all registered versions, and goes on where one fails.
func (r *remote) eachVersion(ctx context.Context, visit func(service.Version) error) error {
	modules, err := r.modules(ctx)
	if err != nil {
		return err
	}
	var faults []error
	for _, m := range modules {
		for _, v := range m.Versions {
			if err := visit(v); err != nil {
				faults = append(faults, fmt.Errorf("%s %s (%s): %w", v.Module, v.Version, v.ID, err))
			}
		}
	}
	return errors.Join(faults...)
}
