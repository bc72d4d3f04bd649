package main

import (
	"fmt"
	"syscall"

	"github.com/spf13/cobra"

	"postern/config"
	"postern/store"
)

func reloadCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Let the running server read its configuration again",
		Long: "Checks the configuration, then tells the server that runs on its data\n" +
			"directory to read it again. What needs a restart is named in the server's log.",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return e.reload() },
	}
}

// reload refuses to bother the server with a file that it would refuse.
func (e *env) reload() error {
	c, err := e.loadConfig()
	if err != nil {
		return err
	}
	if err := becomeOwner(c.DataDir); err != nil {
		return err
	}
	if wrong, _ := c.CheckFiles(); len(wrong) > 0 {
		return &config.Error{File: c.path, Problems: wrong}
	}
	pid, running := store.ServerPID(c.DataDir)
	if !running || pid == 0 {
		return fmt.Errorf("no server runs on %s: start it with %s serve", c.DataDir, e.commandLine())
	}
	if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
		return fmt.Errorf("telling the server, process %d: %w", pid, err)
	}
	_, err = fmt.Fprintf(e.stdout, "The server, process %d, reads its configuration again; its log says what came of it.\n", pid)
	return err
}
