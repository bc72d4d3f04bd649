// Command postern is an LDAP and RADIUS server for clients that know one
// secret and nothing more, and the commands to run it. It is the only package
// that knows all the others, and it has no rules of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"postern/config"
)

// Exit codes. They are part of the command line's contract.
const (
	exitDone   = 0
	exitFailed = 1 // refused, or could not be done
	exitUsage  = 2 // the command line was wrong; nothing was done
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run does what args ask for and returns the exit code. Nothing below it ends
// the process.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(newEnv(stdin, stdout, stderr))
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		unquoteUsage(root)
	}
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	return report(stderr, cmd, err)
}

// failure marks an error that came from a command at work. Every other error
// is one of the command line.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// errUsage marks errors that a command found in its own flags or arguments.
type errUsage struct{ error }

// usagef says what is wrong with the command line.
func usagef(format string, args ...any) error { return errUsage{fmt.Errorf(format, args...)} }

// errSilent fails without a word: the command has said it all.
var errSilent = errors.New("")

// report prints err the way people read it and returns the exit code.
func report(stderr io.Writer, cmd *cobra.Command, err error) int {
	var failed failure
	var usage errUsage
	var invalid *config.Error
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errSilent):
		return exitFailed
	case !errors.As(err, &failed) || errors.As(err, &usage):
		fmt.Fprintf(stderr, "postern: %s\n  see: %s --help\n", err, cmd.CommandPath())
		return exitUsage
	case errors.As(err, &invalid):
		fmt.Fprintf(stderr, "postern: the configuration is not valid:\n%s\n", indent(err.Error()))
	default:
		fmt.Fprintf(stderr, "postern: %s\n", err)
	}
	return exitFailed
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }
