// Command devcluster runs the cluster of package cluster for people: it prints
// where everything is, writes an agent configuration that fits, and stops all
// of it at Ctrl-C. It needs root.
//
//	go run ./e2e/devcluster [-dir DIR]
//	go run ./e2e/devcluster -clean     only clears what killed runs have left
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/dynsvc/dynsvc/e2e/cluster"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "devcluster:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("devcluster", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("dir", "", "where cluster.json, dynsvc.hcl and logs/ go (default: the cluster's own directory)")
	clean := flags.Bool("clean", false, "only clear what killed runs have left")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *clean {
		return cluster.Clean(ctx)
	}
	if *dir, err = absolute(*dir); err != nil {
		return err
	}
	c, err := cluster.Start(ctx, cluster.Options{Dir: *dir, Progress: stderr})
	if err != nil {
		return err
	}
	defer func() {
		fmt.Fprintln(stderr, "stopping")
		err = errors.Join(err, c.Stop())
	}()
	config, err := writeConfig(c)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, `
Nomad      %s
Consul     %s
Registry   %s   (plain HTTP; docker -H %s)
Consul, seen from a bridge network: %s

Addresses  %s
Config     %s   (dynsvc agent -config …)
Logs       %s

export NOMAD_ADDR=%[1]s CONSUL_HTTP_ADDR=%[2]s DOCKER_HOST=%[4]s

Ctrl-C stops everything.
`, c.NomadAddr, c.ConsulAddr, c.Registry, c.DockerHost, c.BridgeAddr,
		filepath.Join(c.Dir, "cluster.json"), config, filepath.Join(c.Dir, "logs"))
	<-ctx.Done()
	return nil
}

// absolute leaves the empty name, which means the default, alone.
func absolute(dir string) (string, error) {
	if dir == "" {
		return "", nil
	}
	return filepath.Abs(dir)
}
