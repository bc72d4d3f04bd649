package main

import (
	"context"
	"errors"
	"fmt"

	"postern/account"
	"postern/config"
	"postern/directory"
	"postern/ldapsrv"
	"postern/policy"
	"postern/secret"
	"postern/store"
)

var (
	_ ldapsrv.Directory  = (*store.Store)(nil)
	_ ldapsrv.CookieKeys = (*secret.Keys)(nil)
)

// ownPasswords lets people change their password over LDAP.
type ownPasswords struct {
	accounts *account.Service
	verifier policy.Verifier
}

// ChangePassword is what ldapsrv.PasswordChanger wants.
func (p *ownPasswords) ChangePassword(ctx context.Context, id string, old, replacement secret.Text) error {
	h, err := p.accounts.Records.HolderByID(ctx, id)
	if err != nil {
		return fmt.Errorf("reading the account: %w", err)
	}
	if !old.Empty() {
		right, _, err := p.verifier.Verify(ctx, h.PasswordHash, old)
		if err != nil {
			return fmt.Errorf("verifying the old password: %w", err)
		}
		if !right {
			return ldapsrv.ErrOldPassword
		}
	}
	err = p.accounts.SetPassword(ctx, account.Actor("ldap:"+h.Account.Login), id, replacement, false)
	var refusal *account.Refusal
	if errors.As(err, &refusal) {
		return fmt.Errorf("%w: %w", ldapsrv.ErrPasswordRefused, err)
	}
	return err
}

// serviceAccountsOf is what the configuration lets service accounts read. What
// cannot be a name was refused when the configuration was read.
func serviceAccountsOf(c *config.Config, rules *policy.Rules) []ldapsrv.ServiceAccount {
	var list []ldapsrv.ServiceAccount
	for i, a := range c.ServiceAccounts {
		list = append(list, ldapsrv.ServiceAccount{Name: rules.ServiceAccounts[i].Name, Read: a.Read, Attributes: a.Attributes})
	}
	return list
}

// readersOf are the groups whose members may read everything. What can be no
// group's name has no members.
func readersOf(c *config.Config) []string {
	var keys []string
	for _, name := range c.LDAP.Readers {
		if key, err := directory.NormalizeLogin(name); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}
