package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"postern/config"
)

func serveCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Answer LDAP and RADIUS",
		Long: "Serves in the foreground and logs to standard error. SIGTERM and SIGINT end it\n" +
			"within ten seconds: what is in hand is answered, and LDAP clients are told.\n" +
			"SIGHUP, or postern reload, reads the configuration again.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.serve(cmd.Context()) },
	}
}

// serve runs the server until it is told to end. Signals are taken before the
// lock file names this process, so that none of them can end it by accident.
func (e *env) serve(ctx context.Context) error {
	reloads := make(chan os.Signal, 1)
	signal.Notify(reloads, syscall.SIGHUP)
	defer signal.Stop(reloads)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	c, err := e.loadConfig()
	if err != nil {
		return err
	}
	if err := becomeOwner(c.DataDir); err != nil {
		return err
	}
	level := new(slog.LevelVar)
	s, err := openServer(ctx, e, c, newLogger(e.stderr, c.Log, level), level)
	if err != nil {
		return err
	}
	go func() {
		for {
			select {
			case <-reloads:
				s.reload()
			case <-ctx.Done():
				return
			}
		}
	}()
	return s.serve(ctx)
}

// newLogger writes the log that the configuration asks for to w.
func newLogger(w io.Writer, c config.Log, level *slog.LevelVar) *slog.Logger {
	level.Set(levelOf(c))
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// levelOf reads the level; the configuration has been checked.
func levelOf(c config.Log) slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		return slog.LevelInfo
	}
	return level
}
