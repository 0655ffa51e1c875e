package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/sdk/gen"
	"github.com/dynsvc/dynsvc/workshop"
)

// regenerating is "dynsvc generate".
type regenerating struct {
	*remote
	lang string
}

func newGenerate(r *remote) *cobra.Command {
	c := &regenerating{remote: r}
	cmd := &cobra.Command{
		Use:   "generate [DIR]",
		Short: "Write the code of a module's folder that follows from its interface",
		Long: `Writes the files that follow from the interface of the module in DIR (by default
this folder) again: interface.go, interface.py or interface.js, and the copy of
the runtime where there is one. Files of your own are never changed; functions
that the interface has and no file of yours declares are printed, to be pasted.`,
		Example: "  dynsvc generate\n  dynsvc generate -lang python ./mymodule",
		Args:    between(0, 1, "at most a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(folderOf(args), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&c.lang, "lang", "", "language of the module (default: that of the generated file that is there)")
	return cmd
}

// folderOf is the folder that a command is about.
func folderOf(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

func (c *regenerating) run(dir string, stdout io.Writer) error {
	var lang gen.Language
	if c.lang != "" {
		var err error
		if lang, err = workshop.ParseLanguage(c.lang); err != nil {
			return usagef("%w", err)
		}
	}
	g, err := regenerate(dir, lang)
	if err != nil {
		return err
	}
	if c.json {
		return printJSON(stdout, g)
	}
	for _, name := range g.Files {
		fmt.Fprintln(stdout, filepath.Join(dir, name))
	}
	if len(g.Files) == 0 {
		fmt.Fprintln(stdout, "Everything is as the interface has it.")
	}
	for _, s := range g.Missing {
		fmt.Fprintf(stdout, "\nThe function %s is not written:\n\n%s\n", s.Function, s.Code)
	}
	return nil
}
