package main

import "github.com/spf13/cobra"

func newPolicy(r *remote) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "The policy that chooses counts: see it, change it, have it explained, try it on a trace",
		Long: `Shows and changes what the count of a service follows, and explains why it is what it
is. The manifest says it first; an admin may say something else of all versions of a
module, or of one version, for good or for a while.`,
		Args: exactly(0, "a command: show, set, explain, history, export or simulate"),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPolicyShow(r), newPolicySet(r), newPolicyExplain(r), newPolicyHistory(r), newPolicyExport(r), newPolicySimulate(r))
	return cmd
}
