package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"postern/config"
	"postern/store"
)

func configCommand(e *env) *cobra.Command {
	return group("config", "Look at the configuration", &cobra.Command{
		Use:   "check",
		Short: "Check the configuration and the files it names",
		Long: "Reads the configuration as serve does, and tells everything that is wrong at\n" +
			"once, then what is allowed and dangerous. Exits 0 where serve would take it.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.checkConfig(cmd.Context()) },
	})
}

func (e *env) checkConfig(ctx context.Context) error {
	c, err := e.loadConfig()
	if err != nil {
		return err
	}
	wrong, more := c.CheckFiles()
	if len(wrong) > 0 {
		return &config.Error{File: e.configPath, Problems: wrong}
	}
	open, err := e.softenedNow(ctx, c)
	if err != nil {
		return err
	}
	for _, w := range append(c.warnings, more...) {
		message := w
		if open != nil {
			message.Message = open.tell(w)
		}
		fmt.Fprintf(e.stderr, "warning: %s%s\n", config.Place(e.configPath, w), message)
	}
	_, err = fmt.Fprintf(e.stdout, "%s is valid\n", e.configPath)
	return err
}

// softenedNow counts the accounts that the switches leave open. It returns nil
// where no switch is on or there is no database yet, and opens none then.
func (e *env) softenedNow(ctx context.Context, c loaded) (open *softened, err error) {
	if !slices.ContainsFunc(c.warnings, isSwitch) || !exists(store.FileIn(c.DataDir)) {
		return nil, nil
	}
	if err := becomeOwner(c.DataDir); err != nil {
		return nil, err
	}
	s, err := openSite(ctx, c, nil)
	if err != nil {
		return nil, err
	}
	n, err := countSoftened(ctx, c, s.store, e.now())
	if err = errors.Join(err, s.store.Close()); err != nil {
		return nil, fmt.Errorf("counting the accounts that a switch leaves open: %w", err)
	}
	return &n, nil
}
