package main

import (
	"strings"
	"testing"
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
	for _, args := range [][]string{{"--help"}, {"help"}, {"config", "--help"}, {"version", "--help"}, {"completion", "bash"}} {
		if code, stdout, stderr := cli(t, args...); code != exitDone || stdout == "" || stderr != "" {
			t.Errorf("%q: exit %d, stderr %q", args, code, stderr)
		}
	}
}
