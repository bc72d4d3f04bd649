package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"postern/secret"
)

// confirm asks before something is destroyed, but only where somebody is there
// to answer: standard input and output are terminals. yes is --yes.
func (e *env) confirm(yes bool, question string) error {
	if yes || !isTerminal(e.stdin) || !isTerminal(e.stdout) {
		return nil
	}
	fmt.Fprintf(e.stderr, "%s [y/N] ", question)
	answer, err := bufio.NewReader(e.stdin).ReadString('\n')
	if err != nil && err != io.EOF {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a == "y" || a == "yes" {
		return nil
	}
	return fmt.Errorf("nothing was done")
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// maxSecret is more than any password may be long; what is longer is refused
// by its length and not cut.
const maxSecret = 4096

// readPassword reads a password from standard input and drops one trailing
// newline.
func (e *env) readPassword() (secret.Text, error) {
	text, err := io.ReadAll(io.LimitReader(e.stdin, maxSecret))
	if err != nil {
		return secret.Text{}, fmt.Errorf("reading the password from standard input: %w", err)
	}
	password := strings.TrimSuffix(string(text), "\n")
	return secret.NewText(strings.TrimSuffix(password, "\r")), nil
}
