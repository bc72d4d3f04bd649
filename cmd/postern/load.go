package main

import (
	"errors"

	"postern/account"
	"postern/config"
	"postern/policy"
	"postern/portal"
	"postern/radiussrv"
)

// loaded is a valid configuration with what the packages make of it.
type loaded struct {
	config.Config
	path     string
	warnings []config.Problem
	rules    *policy.Rules
	settings *account.Settings
	portal   *portal.Settings
	replies  []radiussrv.Reply
}

// loadConfig reads the configuration that --config names.
func (e *env) loadConfig() (loaded, error) {
	c, warnings, err := config.Load(e.configPath)
	if err != nil {
		return loaded{}, err
	}
	rules, err := rulesOf(&c)
	if err != nil {
		return loaded{}, inFile(e.configPath, err)
	}
	replies, err := repliesOf(&c)
	if err != nil {
		return loaded{}, inFile(e.configPath, err)
	}
	return loaded{c, e.configPath, warnings, rules, settingsOf(&c, rules), portalSettingsOf(&c), replies}, nil
}

// inFile adds the file's name to problems with its keys.
func inFile(path string, err error) error {
	var invalid *config.Error
	if errors.As(err, &invalid) {
		invalid.File = path
	}
	return err
}
