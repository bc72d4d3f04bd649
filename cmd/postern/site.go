package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"postern/account"
	"postern/config"
	"postern/policy"
	"postern/secret"
	"postern/store"
)

var _ account.Records = (*store.Store)(nil)

// site is an installation as a command works on it: the configuration, the
// keys and the open database, also while the server runs.
type site struct {
	config   config.Config
	rules    *policy.Rules
	settings *account.Settings
	keys     *secret.Keys
	store    *store.Store
	accounts *account.Service
}

// withSite opens the installation that --config names, as the owner of its
// data directory, for as long as work takes.
func (e *env) withSite(ctx context.Context, work func(*site) error) error {
	c, err := e.loadConfig()
	if err != nil {
		return err
	}
	if err := becomeOwner(c.DataDir); err != nil {
		return err
	}
	s, err := openSite(ctx, c, nil)
	if err != nil {
		return err
	}
	s.accounts = e.accountsOf(s)
	return errors.Join(work(s), s.store.Close())
}

// accountsOf is what people and administrators do on s.
func (e *env) accountsOf(s *site) *account.Service {
	return &account.Service{
		Records: s.store, Keys: s.keys, Hasher: secret.NewHasher(secret.DefaultArgon2, 0, 0).WithKeys(s.keys),
		Random: e.random, Now: e.now, Settings: func() *account.Settings { return s.settings },
	}
}

// openSite opens key file and database and checks that they belong together.
// lock is the server's; a command has none.
func openSite(ctx context.Context, c loaded, lock *store.DirLock) (*site, error) {
	keys, err := secret.OpenKeyFile(c.KeyFile)
	if err != nil {
		return nil, explainKey(err, c.KeyFile)
	}
	db, err := store.Open(ctx, store.Options{Dir: c.DataDir, Lock: lock})
	if err != nil {
		return nil, err
	}
	if err := db.CheckKey(ctx, keys); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &site{config: c.Config, rules: c.rules, settings: c.settings, keys: keys, store: db}, nil
}

// explainKey says what to do about a key file that is not there.
func explainKey(err error, path string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no key file %s: put it back, or make a new installation with \"postern init\"", path)
	}
	return err
}
