package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/account"
)

// env is the world as a command may reach it.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time
	random         io.Reader
	configPath     string        // --config
	actor          account.Actor // who makes changes: "cli:" and the user's name
}

func newEnv(stdin io.Reader, stdout, stderr io.Writer) *env {
	return &env{
		stdin: stdin, stdout: stdout, stderr: stderr, now: time.Now, random: rand.Reader,
		actor: account.Actor("cli:" + userName(os.Getuid())),
	}
}

// newRoot puts the commands together. A command's RunE returns usagef errors
// for a wrong command line, and any other for what failed.
func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   "postern",
		Short: "LDAP and RADIUS for clients that know one secret, with app passwords",
		Long: "Postern answers LDAP and RADIUS. Accounts with MFA on are refused there with\n" +
			"their primary password, and accepted with an app password.",
		Version:       build(),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          needsCommand,
		Args:          cobra.ArbitraryArgs,
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetUsageTemplate(usageOfGroups(root.UsageTemplate()))
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	root.PersistentFlags().StringVar(&e.configPath, "config", defaultConfigPath(), "the configuration `FILE`; POSTERN_CONFIG names another default")
	root.AddCommand(demoCommand(e), initCommand(e), serveCommand(e), reloadCommand(e), configCommand(e), versionCommand(e),
		userCommand(e), groupCommand(e), appPasswordCommand(e), certificateCommand(e), serviceAccountCommand(e), eventsCommand(e), explainCommand(e), unlockCommand(e),
		group("report", "Sum up what was recorded", reportLegacyCommand(e)), sessionsCommand(e),
		radiusClientCommand(e), radiusCommand(e), exportCommand(e))
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	speakPlainly(root)
	refuseUnknownWords(root)
	markFailures(root)
	return root
}

func defaultConfigPath() string {
	if path := os.Getenv("POSTERN_CONFIG"); path != "" {
		return path
	}
	return "config.toml"
}

// group is a command word that needs another one behind it.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, RunE: needsCommand, Args: cobra.ArbitraryArgs}
	c.AddCommand(commands...)
	return c
}

// usageOfGroups leaves the line out that says a group could run by itself. It
// runs only to say that it needs another word (needsCommand).
func usageOfGroups(template string) string {
	return strings.Replace(template, "{{if .Runnable}}\n", "{{if and .Runnable (not .HasAvailableSubCommands)}}\n", 1)
}

// needsCommand runs where a command word is missing or unknown.
func needsCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef("%s needs a command behind it", cmd.CommandPath())
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usagef("%s has no command %q; did you mean %q?", cmd.CommandPath(), args[0], near[0])
	}
	return usagef("%s has no command %q", cmd.CommandPath(), args[0])
}

// refuseUnknownWords does for the two commands that are cobra's own what group
// does for ours: without it they show help and exit 0.
func refuseUnknownWords(root *cobra.Command) {
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.Args, c.RunE = cobra.ArbitraryArgs, needsCommand
		case "help":
			c.Args = func(_ *cobra.Command, args []string) error {
				topic, rest, err := root.Find(args)
				if err == nil && len(rest) > 0 {
					return needsCommand(topic, rest)
				}
				return err
			}
		}
	}
}

// markFailures makes the errors of all commands at work distinct from those
// that cobra finds in the command line before.
func markFailures(cmd *cobra.Command) {
	if work := cmd.RunE; work != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if err := work(cmd, args); err != nil {
				return failure{err}
			}
			return nil
		}
	}
	for _, c := range cmd.Commands() {
		markFailures(c)
	}
}

// printJSON writes v to standard output: an object, or a list of them.
func (e *env) printJSON(v any) error {
	out := json.NewEncoder(e.stdout)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	if err := out.Encode(v); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}
