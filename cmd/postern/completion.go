package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"postern/directory"
)

// Completion is a courtesy: where the database or the configuration cannot be
// read it offers nothing and says nothing.

type completer = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective)

const noFiles = cobra.ShellCompDirectiveNoFileComp

// atMost bounds what a shell is handed at once.
const atMost = 200

// suggest opens the database and returns what list finds.
func (e *env) suggest(cmd *cobra.Command, list func(context.Context, *admin) []string) ([]string, cobra.ShellCompDirective) {
	var found []string
	_ = e.administer(cmd.Context(), func(a *admin) error {
		found = list(cmd.Context(), a)
		return nil
	})
	return found, noFiles
}

func (e *env) completeLogins(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return e.suggest(cmd, func(ctx context.Context, a *admin) []string { return a.loginsWith(ctx, typed) })
}

func (a *admin) loginsWith(ctx context.Context, typed string) []string {
	q := directory.Query{Limit: atMost}
	if normal, err := directory.NormalizeLogin(typed); err == nil {
		q.AnyOf = []directory.Term{{Attribute: "uid", Match: directory.Prefix, Value: normal}}
	}
	batch, err := a.store.Holders(ctx, q)
	if err != nil {
		return nil
	}
	var logins []string
	for _, h := range batch {
		logins = append(logins, h.Account.Login+"\t"+h.Account.Name)
	}
	return logins
}

func (e *env) completeGroups(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return e.suggest(cmd, func(ctx context.Context, a *admin) []string {
		batch, err := a.store.Groups(ctx, directory.Query{Limit: atMost})
		if err != nil {
			return nil
		}
		var names []string
		for _, g := range batch {
			names = append(names, g.Name+"\t"+g.Description)
		}
		return names
	})
}

// completeMembers offers a group first, and then logins.
func (e *env) completeMembers(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return e.completeGroups(cmd, nil, typed)
	}
	return e.completeLogins(cmd, nil, typed)
}

// completeThen offers first for the first argument, and words for the second.
func (e *env) completeThen(first completer, words ...string) completer {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		switch len(args) {
		case 0:
			return first(cmd, args, typed)
		case 1:
			return words, noFiles
		}
		return nil, noFiles
	}
}

// completeAppPasswords offers a login, and then the ids of its live app
// passwords with their labels.
func (e *env) completeAppPasswords(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return e.completeLogins(cmd, args, typed)
	}
	return e.suggest(cmd, func(ctx context.Context, a *admin) []string {
		h, err := a.accounts.Find(ctx, args[0])
		if err != nil {
			return nil
		}
		list, err := a.accounts.AppPasswords(ctx, h.Account.ID)
		if err != nil {
			return nil
		}
		var ids []string
		for _, p := range list {
			if p.RevokedAt.IsZero() {
				ids = append(ids, p.ID+"\t"+p.Label)
			}
		}
		return ids
	})
}

func (e *env) completeServices(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	c, err := e.loadConfig()
	if err != nil {
		return nil, noFiles
	}
	return c.settings.Services(), noFiles
}

func (e *env) completeServiceAccounts(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	c, err := e.loadConfig()
	if err != nil || len(args) > 0 {
		return nil, noFiles
	}
	var names []string
	for _, sa := range c.ServiceAccounts {
		if strings.HasPrefix(sa.Name, typed) {
			names = append(names, sa.Name)
		}
	}
	return names, noFiles
}

// unquoteUsage takes the back quotes from what flags are for. They mark the name
// of the value for the help; a shell would show them.
func unquoteUsage(cmd *cobra.Command) {
	unquote := func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") }
	cmd.LocalFlags().VisitAll(unquote)
	for _, c := range cmd.Commands() {
		unquoteUsage(c)
	}
}

// complete tells cobra how to complete a flag that the command has.
func complete(cmd *cobra.Command, flag string, how completer) {
	mustMark(cmd.RegisterFlagCompletionFunc(flag, how))
}

// mustMark panics where a command speaks of a flag that it does not have: a
// mistake of this program, met by the first test that builds the commands.
func mustMark(err error) {
	if err != nil {
		panic(err)
	}
}

func jsonFlag(cmd *cobra.Command, v *bool) { cmd.Flags().BoolVar(v, "json", false, "print JSON") }

func yesFlag(cmd *cobra.Command, v *bool) {
	cmd.Flags().BoolVarP(v, "yes", "y", false, "do not ask")
}
