package main

import "github.com/spf13/cobra"

func newPolicy(r *remote) *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "The policy that chooses counts: try it on a trace"}
	cmd.AddCommand(newPolicySimulate(r))
	return cmd
}
