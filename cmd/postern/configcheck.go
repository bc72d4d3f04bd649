package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"postern/config"
)

func configCommand(e *env) *cobra.Command {
	return group("config", "Look at the configuration", &cobra.Command{
		Use:   "check",
		Short: "Check the configuration and the files it names",
		Long: "Reads the configuration as serve does, and tells everything that is wrong at\n" +
			"once, then what is allowed and dangerous. Exits 0 where serve would start.",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return e.checkConfig() },
	})
}

func (e *env) checkConfig() error {
	c, err := e.loadConfig()
	if err != nil {
		return err
	}
	wrong, more := c.CheckFiles()
	if len(wrong) > 0 {
		return &config.Error{File: e.configPath, Problems: wrong}
	}
	for _, w := range append(c.warnings, more...) {
		fmt.Fprintf(e.stderr, "warning: %s%s\n", config.Place(e.configPath, w), w)
	}
	_, err = fmt.Fprintf(e.stdout, "%s is valid\n", e.configPath)
	return err
}
