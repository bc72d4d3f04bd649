package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// cli runs a command line in this process.
func cli(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = run(t.Context(), args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestAWrongCommandLineExitsTwo(t *testing.T) {
	for _, args := range [][]string{
		{}, {"frobnicate"}, {"config"}, {"config", "chekc"}, {"version", "extra"},
		{"version", "--frob"}, {"--frob"}, {"config", "check", "--config"},
		{"help", "frobnicate"}, {"help", "user", "ad"}, {"completion"}, {"completion", "csh"},
	} {
		code, stdout, stderr := cli(t, args...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, "--help") {
			t.Errorf("%q: exit %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
}

func TestAFailureExitsOneAndSaysWhatToDo(t *testing.T) {
	code, _, stderr := cli(t, "config", "check", "--config", t.TempDir()+"/none.toml")
	if code != exitFailed || !strings.Contains(stderr, "postern init") {
		t.Errorf("exit %d, stderr %q", code, stderr)
	}
}

func TestFlagsStandAnywhere(t *testing.T) {
	none := t.TempDir() + "/none.toml"
	for _, args := range [][]string{
		{"--config", none, "config", "check"}, {"config", "--config", none, "check"}, {"config", "check", "--config=" + none},
	} {
		if code, _, stderr := cli(t, args...); code != exitFailed || !strings.Contains(stderr, none) {
			t.Errorf("%q: exit %d, stderr %q", args, code, stderr)
		}
	}
}

func TestHelpExitsZero(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"help"}, {"config", "--help"}, {"version", "--help"}, {"completion", "bash"},
		{"help", "user", "add"}, {"help", "completion", "zsh"}, {"--version"}} {
		if code, stdout, stderr := cli(t, args...); code != exitDone || stdout == "" || stderr != "" {
			t.Errorf("%q: exit %d, stderr %q", args, code, stderr)
		}
	}
}

func TestAWrongCommandLineIsToldHowItIsWritten(t *testing.T) {
	for want, args := range map[string][]string{
		`something is missing; it is written: postern user mfa LOGIN on|off|reset`: {"user", "mfa", "ann"},
		`"b" is too much; it is written: postern user add LOGIN`:                   {"user", "add", "a", "b", "c"},
		`"x" is too much; it is written: postern version`:                          {"version", "x"},
		`--client is needed: the NAME of`:                                          {"radius", "test", "ann"},
		`one of these is needed: --name, --mail`:                                   {"user", "set", "ann"},
		`--qr and --json cannot stand together`:                                    {"user", "totp", "ann", "--qr", "--json"},
		`postern user has no command "ad"; did you mean "add"?`:                    {"help", "user", "ad"},
	} {
		code, stdout, stderr := cli(t, args...)
		if code != exitUsage || stdout != "" || !strings.HasPrefix(stderr, "postern: "+want) {
			t.Errorf("%q: exit %d, stdout %q, stderr %q; want %q", args, code, stdout, stderr, want)
		}
	}
}

func TestHelpNamesTheValueOfEachFlagAndTheCommandsOfAGroup(t *testing.T) {
	root := newRoot(newEnv(strings.NewReader(""), io.Discard, io.Discard))
	each(root, func(c *cobra.Command) {
		usage := c.UsageString()
		if c.HasAvailableSubCommands() && strings.Contains(usage, c.UseLine()+"\n") {
			t.Errorf("%s: a group does not run by itself:\n%s", c.CommandPath(), usage)
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if value, _ := pflag.UnquoteUsage(f); value != strings.ToUpper(value) {
				t.Errorf("%s --%s: its value is called %q: name it in capitals, in back quotes", c.CommandPath(), f.Name, value)
			}
		})
	})
}

func TestAShellIsShownFlagsWithoutTheMarksOfTheHelp(t *testing.T) {
	code, stdout, _ := cli(t, "__complete", "app-password", "issue", "ann", "--l")
	if code != exitDone || !strings.HasPrefix(stdout, "--label\ta LABEL, the app or device it is for\n") {
		t.Errorf("exit %d, a shell is given %q", code, stdout)
	}
}

func each(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, c := range cmd.Commands() {
		each(c, visit)
	}
}
