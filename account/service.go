package account

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// Hasher makes the stored form of a primary password. It may be used
// concurrently; secret.ErrBusy says that its queue is full.
type Hasher interface {
	Hash(ctx context.Context, password secret.Text, random io.Reader) (secret.Text, error)
	// Import is Hash for a password as another directory kept it.
	Import(ctx context.Context, f secret.Foreign, random io.Reader) (secret.Text, error)
	// Seal is Import for one that f.Sealable reports, without any work: the
	// server does it later.
	Seal(f secret.Foreign, random io.Reader) (secret.Text, error)
	// Compare says whether stored was made of f.
	Compare(ctx context.Context, stored secret.Text, f secret.Foreign) (secret.Likeness, error)
}

// Settings is what the configuration says about accounts. It is replaced as a
// whole at reload and never changed in place.
type Settings struct {
	Rules policy.Rules

	Format          secret.Format // shape of new app passwords
	MaxPerAccount   int           // live app passwords; 0: no bound
	Lifetime        time.Duration // longest life of an app password; 0: until revoked
	DefaultServices []string      // for app passwords that name none
	AllowCHAP       bool
	OTPClients      []string // names of the RADIUS clients that can ask for a code

	RevokeOnPasswordChange bool // on_password_change = "revoke"
	RevokeOnMFAReset       bool // on_mfa_reset = "revoke"
}

// Service does what people and administrators ask for. All fields must be set;
// it may be used concurrently where they may.
type Service struct {
	Records  Records
	Keys     *secret.Keys
	Hasher   Hasher
	Random   io.Reader        // crypto/rand.Reader
	Now      func() time.Time // time.Now
	Settings func() *Settings // as of the last reload
}

// Actor says who makes a change: "cli:root", "portal:ann". What stands before
// the colon becomes the event's protocol.
type Actor string

// Find returns the one person with that login.
func (s *Service) Find(ctx context.Context, login string) (policy.Holder, error) {
	h, err := s.Records.HolderByName(ctx, directory.ParseName(login, directory.LoginOnly, ""))
	if errors.Is(err, directory.ErrNotFound) {
		return policy.Holder{}, s.unknownAccount(ctx, login)
	}
	if err != nil {
		return policy.Holder{}, fmt.Errorf("reading the account: %w", err)
	}
	return h, nil
}

// holder reads the account that is to be changed.
func (s *Service) holder(ctx context.Context, id string) (policy.Holder, error) {
	h, err := s.Records.HolderByID(ctx, id)
	if errors.Is(err, directory.ErrNotFound) {
		return policy.Holder{}, refuse(UnknownAccount, "this account does not exist any more")
	}
	if err != nil {
		return policy.Holder{}, fmt.Errorf("reading the account: %w", err)
	}
	return h, nil
}

// now is the time of a change, to the second as accounts hold it.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Second) }

// event begins the event of a change to a, which may be the zero Account.
func (s *Service) event(actor Actor, kind directory.EventKind, a directory.Account) (directory.Event, error) {
	id, err := directory.NewID(s.Random)
	if err != nil {
		return directory.Event{}, err
	}
	protocol, _, _ := strings.Cut(string(actor), ":")
	at := s.Now().UTC().Truncate(time.Millisecond)
	return directory.Event{
		ID: id, At: at, LastAt: at, Count: 1, Kind: kind,
		AccountID: a.ID, Login: a.Login, Protocol: protocol, Actor: string(actor),
	}, nil
}

// errAsItWas says that what was asked for is so already: nothing is changed
// and nothing recorded.
var errAsItWas = errors.New("as it was")

// change reads the account, and applies to it what build says, with its event.
func (s *Service) change(ctx context.Context, actor Actor, id string, kind directory.EventKind,
	build func(policy.Holder, *directory.Event) (policy.AccountChange, error),
) error {
	h, err := s.holder(ctx, id)
	if err != nil {
		return err
	}
	ev, err := s.event(actor, kind, h.Account)
	if err != nil {
		return err
	}
	c, err := build(h, &ev)
	if errors.Is(err, errAsItWas) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.changed(s.Records.ChangeAccount(ctx, id, c, ev))
}

// changed explains what storing a change to an account came to.
func (s *Service) changed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, directory.ErrNotFound):
		return refuse(UnknownAccount, "this account does not exist any more")
	}
	return fmt.Errorf("keeping the change: %w", err)
}
