package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/workshop"
)

// initializing is "dynsvc init".
type initializing struct {
	*remote
	lang  string
	out   string
	image bool
}

func newInit(r *remote) *cobra.Command {
	c := &initializing{remote: r}
	cmd := &cobra.Command{
		Use:   "init NAME -lang " + strings.Join(workshop.Languages(), "|"),
		Short: "Lay out a new module that works: manifest, interface, code, tests",
		Long: `Writes a small module into a new folder: its manifest, its interface, the code
that follows from it, your own file with one function, a test, example calls, a
Dockerfile, and a copy of the runtime, so that nothing has to be installed. With
-image the manifest names the Dockerfile: where images are built, that is what runs.`,
		Example: "  dynsvc init Greeter -lang python\n  dynsvc init Greeter -lang go -o services/greeter",
		Args:    exactly(1, "the name of a module"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(args[0], cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&c.lang, "lang", "", "language: "+strings.Join(workshop.Languages(), ", "))
	cmd.Flags().BoolVar(&c.image, "image", false, "have the image be built from the Dockerfile")
	cmd.Flags().StringVarP(&c.out, "out", "o", "", "folder to make (default: the module's name)")
	return cmd
}

func (c *initializing) run(module string, stdout io.Writer) error {
	if c.lang == "" {
		return usagef("in which language? Give -lang %s", strings.Join(workshop.Languages(), ", "))
	}
	lang, err := workshop.ParseLanguage(c.lang)
	if err != nil {
		return usagef("%w", err)
	}
	files, err := workshop.Scaffold(workshop.Module{Name: module, Language: lang, ProductVersion: version, Image: c.image})
	if err != nil {
		return err
	}
	dir := cmp.Or(c.out, module)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return service.Errorf(service.ErrConflict, "the folder %s is not empty: choose another one with -o", dir)
	}
	names, err := writeFiles(dir, files)
	if err != nil {
		return err
	}
	if c.json {
		return printJSON(stdout, map[string]any{"folder": dir, "files": names})
	}
	vendored := workshop.Vendored(lang) + "/"
	for _, name := range names {
		if !strings.HasPrefix(name, vendored) {
			fmt.Fprintln(stdout, filepath.Join(dir, name))
		}
	}
	fmt.Fprintf(stdout, "%s (the runtime)\n\nNext: cd %s; dynsvc run, or: dynsvc test -- %s\n", filepath.Join(dir, vendored), dir, workshop.TestCommand(lang))
	return nil
}
