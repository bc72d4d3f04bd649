package main

import (
	"github.com/spf13/cobra"
)

func unlockCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "unlock LOGIN",
		Short: "Take the brakes off an account after wrong passwords",
		Long: "Forgives the wrong passwords and codes that were sent for an account, wherever\n" +
			"from. It bites at the next attempt. An account is never locked for good: the\n" +
			"brakes go off by themselves within an hour, and app passwords meet none.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: e.completeLogins,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.administer(cmd.Context(), func(a *admin) error {
				h, err := a.accounts.Find(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if err := a.accounts.ReleaseBrakes(cmd.Context(), a.actor, h.Account.ID); err != nil {
					return err
				}
				a.say("The brakes are off for %s.", h.Account.Login)
				return nil
			})
		},
	}
}
