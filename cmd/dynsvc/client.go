package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/kidl"
	"github.com/dynsvc/dynsvc/sdk/gen"
)

// generating is "dynsvc client".
type generating struct {
	*remote
	out  string
	pack string
}

func newClient(r *remote) *cobra.Command {
	c := &generating{remote: r}
	cmd := &cobra.Command{
		Use:   "client LANGUAGE MODULE[@VERSION]|DIR",
		Short: "Write a client for a module in " + languages(),
		Long: `Writes a typed client for a module: for a registered one as the agent knows it,
or for a folder with its manifest and interface, without an agent. The client
calls whatever its @VERSION means at the time of the call: a tag, a semver, a
range or a commit.

The files need nothing but the language's standard library, except that Java
wants Jackson and R wants jsonlite and curl.

What a client submits and waits for are call jobs, which this agent does not
offer yet; plain calls work.`,
		Example: `  dynsvc client python FilterContigs -o clients
  dynsvc client go FilterContigs@^1.2 -o internal/filtercontigs
  dynsvc client typescript ./mymodule -o web/src/api`,
		Args: exactly(2, "a language and a module or folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(cmd.Context(), args[0], args[1], cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVarP(&c.out, "out", "o", ".", "folder to write into")
	cmd.Flags().StringVar(&c.pack, "package", "", "name of the package, module or namespace (default: made from the module's name)")
	return cmd
}

func languages() string {
	var names []string
	for _, l := range gen.Languages(gen.Client) {
		names = append(names, string(l))
	}
	return strings.Join(names, ", ")
}

func (c *generating) run(ctx context.Context, language, target string, stdout io.Writer) error {
	if !slices.Contains(gen.Languages(gen.Client), gen.Language(language)) {
		return usagef("there is no client in %q: there are %s", language, languages())
	}
	model, options, err := c.model(ctx, target)
	if err != nil {
		return err
	}
	options.Language, options.Package, options.ProductVersion = gen.Language(language), c.pack, version
	files, err := gen.Generate(model, options)
	if err != nil {
		return err
	}
	names, err := writeFiles(c.out, files)
	if err != nil {
		return err
	}
	if c.json {
		return printJSON(stdout, map[string]any{"folder": c.out, "files": names})
	}
	for _, name := range names {
		if _, err := fmt.Fprintln(stdout, filepath.Join(c.out, name)); err != nil {
			return err
		}
	}
	return nil
}

// model reads the interface of a folder or, where there is none of that name, of
// a registered module.
func (c *generating) model(ctx context.Context, target string) (*kidl.Model, gen.Options, error) {
	if info, err := os.Stat(target); err == nil && info.IsDir() {
		v, _, err := catalog.ReadManifest(os.DirFS(target), catalog.StandardDefaults())
		if err != nil {
			return nil, gen.Options{}, err
		}
		if v.Interface == "" {
			return nil, gen.Options{}, usagef("%s has no interface: name one in its module.hcl", target)
		}
		model, err := kidl.Load(os.DirFS(target), v.Interface)
		return model, gen.Options{Module: v.Module}, err
	}
	v, err := c.version(ctx, target)
	if err != nil {
		return nil, gen.Options{}, err
	}
	_, ref, _ := strings.Cut(target, "@")
	model := new(kidl.Model)
	err = c.do(ctx, http.MethodGet, "/api/v1/modules/"+url.PathEscape(v.Module)+"/versions/"+url.PathEscape(string(v.ID))+"/interface", nil, model)
	return model, gen.Options{Module: v.Module, Version: ref}, err
}

// writeFiles writes generated files below dir and returns their names. A file that
// is the author's once it exists is left alone.
func writeFiles(dir string, files []gen.File) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir) // no generated path leaves the folder
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // a folder: nothing is written through it
	var names []string
	for _, f := range files {
		if _, err := root.Stat(f.Path); err == nil && f.Keep {
			continue
		}
		if err := root.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
			return names, err
		}
		if err := root.WriteFile(f.Path, f.Content, 0o644); err != nil {
			return names, err
		}
		names = append(names, f.Path)
	}
	return names, nil
}
