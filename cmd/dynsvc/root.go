package main

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "dynsvc",
		Short: "On-demand services for Nomad: registered by their authors, started by the first call, scaled to zero",
		Long: `dynsvc runs modules that their authors registered: it starts one when the first
call comes, on a node that fits it, scales it with load, and stops it when nobody
calls.

Try it on this machine, without Nomad or Consul:

  dynsvc dev

The commands below talk to an agent. They find it by -addr and -token, by
$DYNSVC_ADDR and $DYNSVC_TOKEN, or by the .dynsvc/dev.json that "dynsvc dev"
wrote into this folder.`,
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		CompletionOptions:          cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.Args = cobra.ArbitraryArgs
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		near := cmd.SuggestionsFor(args[0])
		if len(near) == 0 {
			return usagef("unknown command %q; \"dynsvc --help\" lists them", args[0])
		}
		return usagef("unknown command %q; did you mean %q?", args[0], near[0])
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see \"%s --help\"", err, cmd.CommandPath())
	})
	remote := &remote{}
	remote.flags(root.PersistentFlags())
	root.AddGroup(
		&cobra.Group{ID: "run", Title: "Run dynsvc:"},
		&cobra.Group{ID: "author", Title: "Write a module:"},
		&cobra.Group{ID: "module", Title: "Modules:"},
		&cobra.Group{ID: "service", Title: "Services:"},
		&cobra.Group{ID: "access", Title: "Who may do what:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("run", newDev(), newAgent(), newBackup(remote), newRestore(), newVersion())
	add("author", newInit(remote), newRun(), newTest(remote), newValidate(remote), newGenerate(remote))
	add("module", newPlan(remote), newRegister(remote), newList(remote), newTag(remote), newClient(remote), newJobspec(remote))
	add("service", newCall(remote), newJobs(remote), newStatus(remote), newStart(remote), newStop(remote), newScale(remote), newLogs(remote), newPolicy(remote), newStats(remote), newEvents(remote), newNodes(remote))
	add("access", newToken(remote), newOwner(remote), newWhoami(remote))
	return root
}

var singleDash = regexp.MustCompile(`^-([a-z][a-z0-9-]+)(=.*)?$`)

// longFlags lets -json stand for --json, as people know it from Nomad and
// Consul. Only names of flags that exist are rewritten, and those that begin as no
// short flag does, so combined short flags and values that begin with a dash stay
// as they are.
func longFlags(root *cobra.Command, args []string) []string {
	cmd, _, err := root.Find(args)
	if err != nil {
		cmd = root
	}
	known := func(name string) bool {
		return name == "help" || cmd.Flags().ShorthandLookup(name[:1]) == nil && name[0] != 'h' || cmd.Flags().Lookup(name) != nil || cmd.InheritedFlags().Lookup(name) != nil || root.PersistentFlags().Lookup(name) != nil
	}
	out := make([]string, 0, len(args))
	for i, arg := range args {
		if arg == "--" {
			return append(out, args[i:]...)
		}
		if m := singleDash.FindStringSubmatch(arg); m != nil && known(m[1]) {
			arg = "-" + arg
		}
		out = append(out, arg)
	}
	return out
}

// exactly is cobra.ExactArgs with an error that says what is missing.
func exactly(n int, what string) cobra.PositionalArgs { return between(n, n, what) }

func between(low, high int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < low || len(args) > high {
			return usagef("%s takes %s, got %d arguments: %s; see \"%s --help\"",
				cmd.CommandPath(), what, len(args), strings.Join(args, " "), cmd.CommandPath())
		}
		return nil
	}
}
