package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/workshop"
)

func newValidate(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "validate [DIR]",
		Short: "Check a module's folder: manifest, interface, example calls, Dockerfile",
		Long: `Checks the module in DIR (by default this folder) as registration does, and what
registration does not look at: the example calls in tests/*.json, the Dockerfile
of an image, the program that the manifest names, and whether the generated files
are those of the interface. It reports all faults at once, each with its place,
and runs nothing.`,
		Example: "  dynsvc validate\n  dynsvc validate ./mymodule",
		Args:    between(0, 1, "at most a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.validate(folderOf(args), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

func (r *remote) validate(dir string, stdout, stderr io.Writer) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return usagef("%s is no folder", dir)
	}
	checked, err := workshop.Check(os.DirFS(dir), version)
	for _, notice := range checked.Notices {
		fmt.Fprintln(stderr, "note:", notice)
	}
	if err != nil {
		return fmt.Errorf("%s is not sound:\n%w", dir, err)
	}
	if r.json {
		return printJSON(stdout, checked.Version)
	}
	v := checked.Version
	_, err = fmt.Fprintf(stdout, "%s %s is sound: %d methods.\n", v.Module, v.Version, len(v.Methods))
	return err
}
