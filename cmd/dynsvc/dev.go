package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/examples"
	"github.com/dynsvc/dynsvc/server/kbase"
	"github.com/dynsvc/dynsvc/service"
)

// developing is "dynsvc dev".
type developing struct {
	addr     string
	data     string
	logLevel string
	noDocker bool
}

func newDev() *cobra.Command {
	c := &developing{}
	cmd := &cobra.Command{
		Use:   "dev [DIR...]",
		Short: "Run everything on this machine: child processes and containers instead of Nomad",
		Long: `Runs the same gateway, scheduler, catalog and API as the agent, with services as
child processes and containers on free ports: no Nomad, no Consul. It registers the given module
folders, or the examples when none is given, with the tag dev, and writes its
address and admin token to dev.json in the data folder, where the other commands
find them. Ctrl-C stops every child.

A module with a command runs as a child process; it listens on $PORT. A module with a
Dockerfile or an image runs as a container, with the limits and the environment that it
has on a cluster, where a Docker daemon answers (that of $DOCKER_HOST or of Docker's
context); its image is built when it is registered. Without a daemon, and with
-no-docker, the command beside a Dockerfile is what runs.`,
		Example: `  dynsvc dev
  dynsvc dev ./mymodule
  dynsvc dev -addr 127.0.0.1:9000 -data /tmp/dynsvc ./a ./b`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(cmd.Context(), args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&c.addr, "addr", "127.0.0.1:8080", "address to listen on; port 0 takes a free one")
	cmd.Flags().StringVar(&c.data, "data", ".dynsvc", "folder for the database, the modules and dev.json")
	cmd.Flags().BoolVar(&c.noDocker, "no-docker", false, "neither build images nor run containers")
	cmd.Flags().StringVar(&c.logLevel, "log-level", "warn", "trace, debug, info, warn or error")
	return cmd
}

func (c *developing) run(ctx context.Context, dirs []string, stdout, stderr io.Writer) error {
	log, err := logger(c.logLevel, stderr)
	if err != nil {
		return err
	}
	data, err := filepath.Abs(c.data)
	if err != nil {
		return err
	}
	release, err := lockFolder(data)
	if err != nil {
		return err
	}
	defer release()
	setup := localSetup{log: log, addr: c.addr, data: data}
	if c.noDocker {
		setup.noDocker = "images are built neither nor run with -no-docker"
	}
	agent, err := openLocal(ctx, setup)
	if err != nil {
		return err
	}
	return agent.run(ctx, func(ctx context.Context) error {
		ready, err := agent.registerAll(ctx, dirs, stdout)
		if err != nil {
			return errors.Join(err, agent.closeListeners())
		}
		if err := writeDevFile(data, agent.dev); err != nil {
			return errors.Join(err, agent.closeListeners())
		}
		greet(stdout, agent.dev, ready)
		defer fmt.Fprintln(stdout, "\nStopping the services.")
		return agent.serve(ctx, agent.listen())
	})
}

// registerAll registers the given folders, any fault in which is an error, or the
// examples, of which one that cannot run here is left out with a line that says so.
func (st *stack) registerAll(ctx context.Context, dirs []string, stdout io.Writer) ([]offered, error) {
	var ready []offered
	for _, dir := range dirs {
		if err := buildFolder(ctx, dir, stdout); err != nil {
			return nil, err
		}
		v, notices, err := st.registerFolder(ctx, dir, stdout)
		if err != nil {
			return nil, err
		}
		for _, n := range notices {
			fmt.Fprintf(stdout, "%s: %s\n", v.Module, n)
		}
		ready = append(ready, offered{v, os.DirFS(dir)})
	}
	if len(dirs) > 0 {
		return ready, nil
	}
	for _, example := range examples.All() {
		v, err := st.registerExample(ctx, example)
		if err != nil {
			fmt.Fprintf(stdout, "Left out the example %s: %v\n", example.Name, err)
			continue
		}
		ready = append(ready, offered{v, example.Files})
	}
	return ready, nil
}

// registerFolder registers a module's folder as it is, with the tag dev. out hears how
// its image is built.
func (st *stack) registerFolder(ctx context.Context, dir string, out io.Writer) (service.Version, []catalog.Notice, error) {
	packed, err := catalog.Pack(dir)
	if err != nil {
		return service.Version{}, nil, err
	}
	v, notices, err := st.catalog.Register(ctx, catalog.Upload{Archive: packed, Commit: catalog.GitCommit(ctx, dir), Tag: service.Dev, By: service.Operator("dev"), Log: out})
	if err != nil {
		return service.Version{}, nil, fmt.Errorf("register %s:\n%w", dir, err)
	}
	return v, notices, nil
}

// greet prints what a new user needs next.
func greet(w io.Writer, dev devFile, ready []offered) {
	fmt.Fprintf(w, "dynsvc %s is listening.\n\n  Console   %s/console?token=%s\n  API       %s/api/v1  (Authorization: Bearer %s)\n",
		version, dev.URL, dev.Token, dev.URL, dev.Token)
	fmt.Fprintf(w, "  KBase     %s%sservice_wizard  (tokens of %s %s, of %s %s)\n\n", dev.URL, kbase.Prefix,
		kbaseAdmin, dev.kbaseToken(kbaseAdmin), kbaseUser, dev.kbaseToken(kbaseUser))
	fmt.Fprintln(w, "Services start with their first call. Try:")
	for _, o := range ready {
		fmt.Fprintf(w, "\n  # %s %s\n  %s\n", o.version.Module, o.version.Version, o.sampleCall(dev.URL))
	}
	fmt.Fprintf(w, "\nRegister your own: dynsvc register DIR -addr %s -token %s\nCtrl-C stops everything.\n", dev.URL, dev.Token)
}

// devToken keeps the token of an earlier run in the same folder, so that open
// pages and scripts go on working.
func devToken(data string) string {
	var before devFile
	if text, err := os.ReadFile(filepath.Join(data, devFileName)); err == nil && json.Unmarshal(text, &before) == nil && before.Token != "" {
		return before.Token
	}
	return strings.ToLower(rand.Text())
}

// writeDevFile replaces dev.json whole, readable by its owner alone.
func writeDevFile(data string, dev devFile) error {
	text, err := json.MarshalIndent(dev, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(data, devFileName)
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
