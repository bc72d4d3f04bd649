package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Cobra counts arguments and quotes its own lists of flags in what it refuses.
// People read how the command is written instead.

// flagRule looks at the flags of a command line before the command runs.
type flagRule = func(cmd *cobra.Command, args []string) error

// speakPlainly has all commands refuse a wrong command line in such words.
func speakPlainly(cmd *cobra.Command) {
	if count := cmd.Args; count != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return checkArguments(cmd, args, count) }
	}
	rule := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if err := checkNeeded(cmd); err != nil || rule == nil {
			return err
		}
		return rule(cmd, args)
	}
	for _, c := range cmd.Commands() {
		speakPlainly(c)
	}
}

// checkArguments says whether there were too few or too many, which count,
// one of cobra's rules, does not: too many begin where a part would do.
func checkArguments(cmd *cobra.Command, args []string, count cobra.PositionalArgs) error {
	if count(cmd, args) == nil {
		return nil
	}
	for i := len(args) - 1; i >= 0; i-- {
		if count(cmd, args[:i]) == nil {
			return usagef("%q is too much; it is written: %s", args[i], cmd.UseLine())
		}
	}
	return usagef("something is missing; it is written: %s", cmd.UseLine())
}

// checkNeeded names the first flag that a command cannot do without.
func checkNeeded(cmd *cobra.Command) (err error) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if err == nil && !f.Changed && slices.Contains(f.Annotations[cobra.BashCompOneRequiredFlag], "true") {
			_, what := pflag.UnquoteUsage(f)
			err = usagef("--%s is needed: %s", f.Name, what)
		}
	})
	return err
}

// needsOneOf asks for at least one of the flags named.
func needsOneOf(cmd *cobra.Command, names ...string) flagRule {
	cmd.MarkFlagsOneRequired(names...) // the shell offers them
	return func(cmd *cobra.Command, _ []string) error {
		if slices.ContainsFunc(names, cmd.Flags().Changed) {
			return nil
		}
		return usagef("one of these is needed: --%s", strings.Join(names, ", --"))
	}
}

// onlyOneOf lets one of the flags named stand, and not two.
func onlyOneOf(cmd *cobra.Command, names ...string) flagRule {
	cmd.MarkFlagsMutuallyExclusive(names...) // the shell offers no second one
	return func(cmd *cobra.Command, _ []string) error {
		given := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !cmd.Flags().Changed(name) })
		if len(given) < 2 {
			return nil
		}
		return usagef("--%s cannot stand together: choose one", strings.Join(given, " and --"))
	}
}

// flagRules are several, of which the first that is broken is told.
func flagRules(rules ...flagRule) flagRule {
	return func(cmd *cobra.Command, args []string) error {
		for _, rule := range rules {
			if err := rule(cmd, args); err != nil {
				return err
			}
		}
		return nil
	}
}
