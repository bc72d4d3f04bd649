package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"postern/directory"
	"postern/policy"
)

// ServiceAccountSecret makes the secret of a configured service account, or
// replaces it: what was issued before is revoked in the same transaction. The
// secret opens every service; the account's networks are those of the
// configuration, which the policy reads at every attempt.
func (s *Service) ServiceAccountSecret(ctx context.Context, actor Actor, name string) (Issued, error) {
	h, err := s.serviceAccount(ctx, actor, name)
	if err != nil {
		return Issued{}, err
	}
	holding, text, err := s.mint(h, directory.AppPassword{
		Label: "service account", Services: []string{directory.AnyService}, CreatedAt: s.now(),
	})
	if err != nil {
		return Issued{}, err
	}
	ev, err := s.credentialEvent(actor, directory.EventAppPasswordIssued, h.Account, holding.Credential.ID)
	if err != nil {
		return Issued{}, err
	}
	ev.Detail = "service account; earlier ones revoked"
	if err := s.Records.ReplaceAppPassword(ctx, holding, ev); err != nil {
		return Issued{}, s.changed(err)
	}
	return Issued{AppPassword: holding.Credential, Login: h.Account.Login, Secret: text}, nil
}

// serviceAccount returns the account of a configured service account, made
// where it is not there yet.
func (s *Service) serviceAccount(ctx context.Context, actor Actor, name string) (policy.Holder, error) {
	who := directory.ParseName(name, directory.ServiceAccountOnly, "")
	if known := s.serviceAccountNames(); !slices.Contains(known, who.Login) || !who.Valid() {
		return policy.Holder{}, unknownServiceAccount(name, known)
	}
	h, err := s.Records.HolderByName(ctx, who)
	if err == nil || !errors.Is(err, directory.ErrNotFound) {
		return h, wrap("reading the service account", err)
	}
	if err := s.addServiceAccount(ctx, actor, who.Login); err != nil {
		return policy.Holder{}, err
	}
	h, err = s.Records.HolderByName(ctx, who)
	return h, wrap("reading the service account", err)
}

func unknownServiceAccount(name string, known []string) error {
	if len(known) == 0 {
		return refuse(UnknownServiceAcc, "there is no service account %q: the configuration has no [[service_account]]", name)
	}
	return refuse(UnknownServiceAcc, "there is no service account %q; there are: %s", name, strings.Join(known, ", "))
}

// addServiceAccount does no harm where another one was faster.
func (s *Service) addServiceAccount(ctx context.Context, actor Actor, login string) error {
	id, err := directory.NewID(s.Random)
	if err != nil {
		return err
	}
	now := s.now()
	a := directory.Account{ID: id, Kind: directory.ServiceAccount, Login: login, CreatedAt: now, ModifiedAt: now}
	ev, err := s.event(actor, directory.EventAccountAdded, a)
	if err != nil {
		return err
	}
	ev.Detail = "service account"
	err = s.Records.AddAccount(ctx, policy.Holder{Account: a}, ev)
	if errors.Is(err, directory.ErrConflict) {
		return nil
	}
	return wrap("keeping the service account", err)
}

func (s *Service) serviceAccountNames() []string {
	var names []string
	for _, sa := range s.Settings().Rules.ServiceAccounts {
		names = append(names, sa.Name)
	}
	slices.Sort(names)
	return names
}

// ServiceAccountState is a configured service account as it stands.
type ServiceAccountState struct {
	policy.ServiceAccount
	Secret directory.AppPassword // the live one; the zero value where there is none
}

// ServiceAccounts returns the configured service accounts by name.
func (s *Service) ServiceAccounts(ctx context.Context) ([]ServiceAccountState, error) {
	var list []ServiceAccountState
	for _, sa := range s.Settings().Rules.ServiceAccounts {
		live, err := s.liveSecret(ctx, sa.Name)
		if err != nil {
			return nil, err
		}
		list = append(list, ServiceAccountState{ServiceAccount: sa, Secret: live})
	}
	slices.SortFunc(list, func(a, b ServiceAccountState) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func (s *Service) liveSecret(ctx context.Context, name string) (directory.AppPassword, error) {
	h, err := s.Records.HolderByName(ctx, directory.ParseName(name, directory.ServiceAccountOnly, ""))
	if errors.Is(err, directory.ErrNotFound) {
		return directory.AppPassword{}, nil
	}
	if err != nil {
		return directory.AppPassword{}, wrap("reading the service account", err)
	}
	list, err := s.AppPasswords(ctx, h.Account.ID)
	for _, p := range list {
		if p.RevokedAt.IsZero() {
			return p, err
		}
	}
	return directory.AppPassword{}, err
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
