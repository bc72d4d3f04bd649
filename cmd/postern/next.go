package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// printNext ends init with commands that can be pasted as they stand.
func (i *initializer) printNext() error {
	self := i.commandLine()
	var b strings.Builder
	fmt.Fprintf(&b, "\nStart the server:\n\n  %s serve\n", self)
	fmt.Fprintf(&b, "\nIn another shell, somebody with MFA on, and an app password for a device:\n\n")
	fmt.Fprintf(&b, "  %s user add ann --name \"Ann Example\" --generate-password\n", self)
	fmt.Fprintf(&b, "  %s user mfa ann on\n", self)
	fmt.Fprintf(&b, "  %s app-password issue ann --label \"mail on my phone\"\n", self)
	if group := i.config.Portal.AdminGroup; group != "" {
		fmt.Fprintf(&b, "\nThe first administrator, who signs in at %s:\n\n", i.config.Portal.PublicURL)
		fmt.Fprintf(&b, "  %s group add %s\n", self, quote(group))
		fmt.Fprintf(&b, "  %s user add admin --name \"The administrator\" --group %s --generate-password\n", self, quote(group))
	}
	_, err := fmt.Fprint(i.stdout, b.String())
	return err
}

// commandLine is how to call this very program with this very configuration.
func (e *env) commandLine() string {
	program := filepath.Base(os.Args[0])
	if strings.Contains(os.Args[0], "/") {
		program = os.Args[0]
	}
	line := quote(program)
	if e.configPath != "config.toml" && e.configPath != os.Getenv("POSTERN_CONFIG") {
		line += " --config " + quote(e.configPath)
	}
	return line
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// quote writes word so that a shell reads it as one.
func quote(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
