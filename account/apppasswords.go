package account

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// Request is what an app password is asked for with.
type Request struct {
	Label     string
	Services  []string       // none: default_services of the configuration
	Networks  []netip.Prefix // none: from anywhere
	ExpiresAt time.Time      // zero: as late as the configuration allows
	Challenge directory.Challenge
}

// Issued is a new app password. Its secret is nowhere else: what is stored
// cannot be turned back into it.
type Issued struct {
	AppPassword directory.AppPassword
	Login       string
	Secret      secret.Text // canonical, without groups
}

// Issue makes an app password for an account.
func (s *Service) Issue(ctx context.Context, actor Actor, id string, r Request) (Issued, error) {
	h, err := s.holder(ctx, id)
	if err != nil {
		return Issued{}, err
	}
	p, err := s.describe(r)
	if err != nil {
		return Issued{}, err
	}
	holding, text, err := s.mint(h, p)
	if err != nil {
		return Issued{}, err
	}
	ev, err := s.credentialEvent(actor, directory.EventAppPasswordIssued, h.Account, holding.Credential.ID)
	if err != nil {
		return Issued{}, err
	}
	ev.Detail = "for " + strings.Join(p.Services, ", ")
	settings := s.Settings()
	limit := policy.Limit{Max: settings.MaxPerAccount, UnusedAfter: settings.Rules.UnusedAfter}
	if err := s.Records.IssueAppPassword(ctx, holding, limit, ev); err != nil {
		return Issued{}, s.issueFailed(err, limit.Max)
	}
	return Issued{AppPassword: holding.Credential, Login: h.Account.Login, Secret: text}, nil
}

func (s *Service) issueFailed(err error, most int) error {
	if errors.Is(err, directory.ErrLimit) {
		return refuse(TooManyPasswords, "the account has %d app passwords already, the most there may be; revoke one first", most)
	}
	return s.changed(err)
}

func (s *Service) credentialEvent(actor Actor, kind directory.EventKind, a directory.Account, credential string) (directory.Event, error) {
	ev, err := s.event(actor, kind, a)
	ev.Credential = credential
	return ev, err
}

// describe checks a request and fills in what the configuration says.
func (s *Service) describe(r Request) (directory.AppPassword, error) {
	var none directory.AppPassword
	settings, now := s.Settings(), s.now()
	label := strings.TrimSpace(r.Label)
	if bad := checkLabel(label); bad != nil {
		return none, bad
	}
	services, err := chooseServices(settings, r.Services)
	if err != nil {
		return none, err
	}
	expires, err := chooseExpiry(settings, now, r.ExpiresAt)
	if err != nil {
		return none, err
	}
	if r.Challenge == directory.ChallengeCHAP && !settings.AllowCHAP {
		return none, refuse(CHAPNotAllowed, "app passwords for CHAP are not allowed: they keep a copy that can be read back (app_passwords.allow_chap)")
	}
	return directory.AppPassword{
		Label: label, Services: services, Networks: sortNetworks(r.Networks), Challenge: r.Challenge,
		CreatedAt: now, ExpiresAt: expires,
	}, nil
}

// chooseServices returns the services asked for, sorted, once each.
func chooseServices(settings *Settings, asked []string) ([]string, error) {
	if len(asked) == 0 {
		asked = settings.DefaultServices
	}
	if len(asked) == 0 {
		return nil, refuse(UnknownService, "name at least one service: %s", strings.Join(settings.Services(), ", "))
	}
	if slices.Contains(asked, directory.AnyService) {
		return []string{directory.AnyService}, nil
	}
	known := settings.Services()
	for _, name := range asked {
		if !slices.Contains(known, name) {
			return nil, refuse(UnknownService, "there is no service %q; there are: %s", name, strings.Join(known, ", "))
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(asked))), nil
}

// Services returns the names an app password can be limited to, sorted,
// directory.AnyService first.
func (c *Settings) Services() []string {
	names := []string{directory.DefaultService}
	for _, sv := range c.Rules.Services {
		names = append(names, sv.Name)
	}
	slices.Sort(names)
	return append([]string{directory.AnyService}, slices.Compact(names)...)
}

func chooseExpiry(settings *Settings, now, asked time.Time) (time.Time, error) {
	asked = asked.UTC().Truncate(time.Second)
	var latest time.Time
	if settings.Lifetime > 0 {
		latest = now.Add(settings.Lifetime)
	}
	switch {
	case asked.IsZero():
		return latest, nil
	case !asked.After(now):
		return latest, refuse(BadExpiry, "the app password would have expired already")
	case !latest.IsZero() && asked.After(latest):
		return latest, refuse(BadExpiry, "an app password may last %d days at most (app_passwords.lifetime_days)", settings.Lifetime/(24*time.Hour))
	}
	return asked, nil
}

func sortNetworks(networks []netip.Prefix) []netip.Prefix {
	var sorted []netip.Prefix
	for _, n := range networks {
		sorted = append(sorted, n.Masked())
	}
	slices.SortFunc(sorted, netip.Prefix.Compare)
	return slices.Compact(sorted)
}

// mint makes the secret of p and everything that is stored of it.
func (s *Service) mint(h policy.Holder, p directory.AppPassword) (policy.Holding, secret.Text, error) {
	id, err := directory.NewID(s.Random)
	if err != nil {
		return policy.Holding{}, secret.Text{}, err
	}
	text, err := secret.NewAppPassword(s.Random, s.Settings().Format)
	if err != nil {
		return policy.Holding{}, secret.Text{}, fmt.Errorf("making an app password: %w", err)
	}
	p.ID, p.AccountID = id, h.Account.ID
	holding := policy.Holding{Holder: h, Credential: p, Digest: s.Keys.Digest(text)}
	holding.RowMAC = policy.CredentialMAC(s.Keys, holding)
	if err := s.seal(&holding, text); err != nil {
		return policy.Holding{}, secret.Text{}, err
	}
	return holding, text, nil
}

// seal adds what challenge methods need.
func (s *Service) seal(h *policy.Holding, text secret.Text) (err error) {
	if h.Credential.Challenge == directory.ChallengeNone {
		return nil
	}
	h.Sealed, err = s.Keys.Seal(s.Random, policy.SealedNT, h.Credential.ID, secret.NTHash(text))
	if err == nil && h.Credential.Challenge == directory.ChallengeCHAP {
		h.SealedClear, err = s.Keys.Seal(s.Random, policy.SealedClear, h.Credential.ID, []byte(text.Reveal()))
	}
	if err != nil {
		return fmt.Errorf("sealing the app password: %w", err)
	}
	return nil
}

// AppPasswords returns the app passwords of an account, revoked ones too,
// newest first.
func (s *Service) AppPasswords(ctx context.Context, id string) ([]directory.AppPassword, error) {
	list, err := s.Records.AppPasswords(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading the app passwords: %w", err)
	}
	return list, nil
}

// State says how an app password stands now.
func (s *Service) State(p directory.AppPassword) directory.AppPasswordState {
	return p.State(s.Now(), s.Settings().Rules.UnusedAfter)
}

// Revoke ends one app password of an account. It returns false where it was
// revoked before.
func (s *Service) Revoke(ctx context.Context, actor Actor, id, credential string) (bool, error) {
	if credential == "" {
		return false, refuse(UnknownCredential, "name the app password to revoke by its id")
	}
	n, err := s.revoke(ctx, actor, id, credential)
	return n > 0, err
}

// RevokeAll ends every app password of an account and returns how many.
func (s *Service) RevokeAll(ctx context.Context, actor Actor, id string) (int, error) {
	return s.revoke(ctx, actor, id, "")
}

func (s *Service) revoke(ctx context.Context, actor Actor, id, credential string) (int, error) {
	h, err := s.holder(ctx, id)
	if err != nil {
		return 0, err
	}
	ev, err := s.credentialEvent(actor, directory.EventAppPasswordEnded, h.Account, credential)
	if err != nil {
		return 0, err
	}
	if credential == "" {
		ev.Detail = "all"
	}
	n, err := s.Records.RevokeAppPasswords(ctx, id, credential, ev)
	if errors.Is(err, directory.ErrNotFound) {
		return 0, refuse(UnknownCredential, "%q has no app password %q", h.Account.Login, credential)
	}
	if err != nil {
		return 0, fmt.Errorf("revoking: %w", err)
	}
	return n, nil
}

// Rename gives an app password another label.
func (s *Service) Rename(ctx context.Context, actor Actor, id, credential, label string) error {
	label = strings.TrimSpace(label)
	if r := checkLabel(label); r != nil {
		return r
	}
	h, err := s.holder(ctx, id)
	if err != nil {
		return err
	}
	ev, err := s.credentialEvent(actor, directory.EventAccountChanged, h.Account, credential)
	if err != nil {
		return err
	}
	ev.Detail = "app password renamed"
	err = s.Records.RenameAppPassword(ctx, id, credential, label, ev)
	if errors.Is(err, directory.ErrNotFound) {
		return refuse(UnknownCredential, "%q has no app password %q", h.Account.Login, credential)
	}
	return s.changed(err)
}
