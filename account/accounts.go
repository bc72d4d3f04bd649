package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// Person is what a new account is made of. Login must be set.
type Person struct {
	Login  string
	Name   string
	Mail   string
	Groups []string    // names of groups it joins; they must exist
	Secret secret.Text // the primary password; empty: it has none yet
}

// Add makes an account and returns it, without its UIDNumber.
func (s *Service) Add(ctx context.Context, actor Actor, p Person) (directory.Account, error) {
	if err := checkPerson(p); err != nil {
		return directory.Account{}, err
	}
	h, err := s.newHolder(ctx, p)
	if err != nil {
		return directory.Account{}, err
	}
	ev, err := s.event(actor, directory.EventAccountAdded, h.Account)
	if err != nil {
		return directory.Account{}, err
	}
	err = s.Records.AddAccount(ctx, h, ev)
	switch {
	case errors.Is(err, directory.ErrConflict):
		return directory.Account{}, refuse(LoginTaken, "the login %q is taken", p.Login)
	case errors.Is(err, directory.ErrNotFound):
		return directory.Account{}, refuse(UnknownGroup, "one of the groups was deleted meanwhile; nothing was added")
	case err != nil:
		return directory.Account{}, fmt.Errorf("keeping the account: %w", err)
	}
	return h.Account, nil
}

func checkPerson(p Person) error {
	if r := checkLogin(p.Login); r != nil {
		return r
	}
	if r := checkText(BadName, "name", p.Name, maxText); r != nil {
		return r
	}
	if r := checkMail(p.Mail); r != nil {
		return r
	}
	if p.Secret.Empty() {
		return nil
	}
	if r := checkPassword(p.Login, p.Secret); r != nil {
		return r
	}
	return nil
}

func (s *Service) newHolder(ctx context.Context, p Person) (policy.Holder, error) {
	for _, g := range p.Groups {
		if _, err := s.FindGroup(ctx, g); err != nil {
			return policy.Holder{}, err
		}
	}
	id, err := directory.NewID(s.Random)
	if err != nil {
		return policy.Holder{}, err
	}
	now := s.now()
	h := policy.Holder{Account: directory.Account{
		ID: id, Login: p.Login, Name: p.Name, Mail: p.Mail, CreatedAt: now, ModifiedAt: now,
	}, Groups: p.Groups}
	if p.Secret.Empty() {
		return h, nil
	}
	h.Account.PasswordChangedAt = now
	h.PasswordHash, err = s.hash(ctx, p.Secret)
	return h, err
}

func (s *Service) hash(ctx context.Context, password secret.Text) (secret.Text, error) {
	phc, err := s.Hasher.Hash(ctx, password, s.Random)
	if err != nil {
		return secret.Text{}, fmt.Errorf("hashing the password: %w", err)
	}
	return phc, nil
}

// Fields are what Set changes; nil fields stay as they are.
type Fields struct {
	Name, Mail *string
	ExpiresAt  *time.Time // the zero time: never
	// Attributes replaces the values of each attribute it names; no values
	// removes the attribute.
	Attributes map[string][]string
}

// Set changes the fields of an account.
func (s *Service) Set(ctx context.Context, actor Actor, id string, f Fields) error {
	if err := checkFields(f); err != nil {
		return err
	}
	return s.change(ctx, actor, id, directory.EventAccountChanged, func(_ policy.Holder, ev *directory.Event) (policy.AccountChange, error) {
		ev.Detail = f.detail()
		return policy.AccountChange{Name: f.Name, Mail: f.Mail, ExpiresAt: f.ExpiresAt, Attributes: f.Attributes}, nil
	})
}

func checkFields(f Fields) error {
	if f.Name != nil {
		if r := checkText(BadName, "name", *f.Name, maxText); r != nil {
			return r
		}
	}
	if f.Mail != nil {
		if r := checkMail(*f.Mail); r != nil {
			return r
		}
	}
	for name, values := range f.Attributes {
		if r := checkAttribute(name, values); r != nil {
			return r
		}
	}
	return nil
}

// detail names the kinds of fields and none of their content.
func (f Fields) detail() string {
	var what []string
	if f.Name != nil {
		what = append(what, "name")
	}
	if f.Mail != nil {
		what = append(what, "mail")
	}
	if f.ExpiresAt != nil {
		what = append(what, "expiry")
	}
	if len(f.Attributes) > 0 {
		what = append(what, "attributes")
	}
	return strings.Join(what, ", ")
}

// Disable stops an account at once, sessions at the portal included.
func (s *Service) Disable(ctx context.Context, actor Actor, id string) error {
	return s.setDisabled(ctx, actor, id, true, directory.EventAccountDisabled)
}

// Enable restores what Disable stopped, but for the sessions.
func (s *Service) Enable(ctx context.Context, actor Actor, id string) error {
	return s.setDisabled(ctx, actor, id, false, directory.EventAccountEnabled)
}

func (s *Service) setDisabled(ctx context.Context, actor Actor, id string, disabled bool, kind directory.EventKind) error {
	return s.change(ctx, actor, id, kind, func(h policy.Holder, _ *directory.Event) (policy.AccountChange, error) {
		if h.Account.Disabled == disabled {
			return policy.AccountChange{}, errAsItWas
		}
		return policy.AccountChange{Disabled: &disabled, EndSessions: disabled}, nil
	})
}

// ReleaseBrakes forgives what was counted of wrong passwords and second factors
// of an account, wherever they came from. It bites at the next attempt.
func (s *Service) ReleaseBrakes(ctx context.Context, actor Actor, id string) error {
	return s.change(ctx, actor, id, directory.EventBrakesReleased, func(policy.Holder, *directory.Event) (policy.AccountChange, error) {
		return policy.AccountChange{ReleaseBrakes: true}, nil
	})
}

// Delete revokes every app password of an account and removes it. Its events
// stay; a later account of that login is a new one.
func (s *Service) Delete(ctx context.Context, actor Actor, id string) error {
	h, err := s.holder(ctx, id)
	if err != nil {
		return err
	}
	ev, err := s.event(actor, directory.EventAccountDeleted, h.Account)
	if err != nil {
		return err
	}
	return s.changed(s.Records.DeleteAccount(ctx, id, ev))
}

// SetPassword replaces the primary password and ends the sessions at the
// portal. App passwords go too where revoke says so or the configuration does
// (on_password_change).
func (s *Service) SetPassword(ctx context.Context, actor Actor, id string, password secret.Text, revoke bool) error {
	h, err := s.holder(ctx, id)
	if err != nil {
		return err
	}
	if r := checkPassword(h.Account.Login, password); r != nil {
		return r
	}
	phc, err := s.hash(ctx, password)
	if err != nil {
		return err
	}
	revoke = revoke || s.Settings().RevokeOnPasswordChange
	return s.change(ctx, actor, id, directory.EventPasswordChanged, func(_ policy.Holder, ev *directory.Event) (policy.AccountChange, error) {
		if revoke {
			ev.Detail = "app passwords revoked"
		}
		return policy.AccountChange{PasswordHash: &phc, RevokeAppPasswords: revoke, EndSessions: true}, nil
	})
}

// GeneratePassword returns a random primary password to hand out. It is not
// set yet.
func (s *Service) GeneratePassword() (secret.Text, error) {
	return secret.NewRandomPassword(s.Random)
}
