package account

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// Purposes under which second factors are sealed. The row is the account's id
// and the method's, so that neither can be given to somebody else by writing
// the database.
const (
	sealedTOTP     = "second-factor-totp"
	sealedWebAuthn = "second-factor-webauthn"
)

func methodRow(accountID, methodID string) string { return accountID + "/" + methodID }

// PendingTOTP is a TOTP enrolment that has begun. The portal keeps ID and
// Sealed with the session until the first code is verified; Key and URI are
// shown and forgotten.
type PendingTOTP struct {
	ID     string
	Sealed []byte
	Key    secret.Text // base32, as authenticator apps take it
	URI    secret.Text // otpauth://, for the QR code
}

// StartTOTP makes a seed for an account. issuer is the name the authenticator
// app shows. Nothing is stored.
func (s *Service) StartTOTP(ctx context.Context, id, issuer string) (PendingTOTP, error) {
	h, err := s.holder(ctx, id)
	if err != nil {
		return PendingTOTP{}, err
	}
	methodID, err := directory.NewID(s.Random)
	if err != nil {
		return PendingTOTP{}, err
	}
	seed, err := secret.NewTOTPSeed(s.Random)
	if err != nil {
		return PendingTOTP{}, fmt.Errorf("making a TOTP seed: %w", err)
	}
	sealed, err := s.Keys.Seal(s.Random, sealedTOTP, methodRow(id, methodID), seed)
	if err != nil {
		return PendingTOTP{}, fmt.Errorf("sealing the TOTP seed: %w", err)
	}
	return PendingTOTP{
		ID: methodID, Sealed: sealed,
		Key: secret.TOTPSeedText(seed), URI: secret.TOTPURI(issuer, h.Account.Login, seed),
	}, nil
}

// ResumeTOTP returns pending with its Key and URI, for showing the same seed
// once more after a wrong code. It fails on what StartTOTP did not make for
// this account.
func (s *Service) ResumeTOTP(ctx context.Context, id, issuer string, pending PendingTOTP) (PendingTOTP, error) {
	h, err := s.holder(ctx, id)
	if err != nil {
		return PendingTOTP{}, err
	}
	seed, err := s.Keys.Open(sealedTOTP, methodRow(id, pending.ID), pending.Sealed)
	if err != nil {
		return PendingTOTP{}, fmt.Errorf("opening the TOTP seed: %w", err)
	}
	pending.Key, pending.URI = secret.TOTPSeedText(seed), secret.TOTPURI(issuer, h.Account.Login, seed)
	return pending, nil
}

// FinishTOTP enrols what StartTOTP began, if code shows that the app has the
// seed. That code is used up by it.
func (s *Service) FinishTOTP(ctx context.Context, actor Actor, id string, pending PendingTOTP, label, code string) (policy.Method, error) {
	seed, err := s.Keys.Open(sealedTOTP, methodRow(id, pending.ID), pending.Sealed)
	if err != nil {
		return policy.Method{}, refuse(ForeignSetUp, "this set-up was not begun for this account, or is damaged: begin again")
	}
	step, ok := secret.MatchTOTP(seed, code, s.Now(), 0)
	if !ok {
		return policy.Method{}, refuse(BadCode, "this code is not right; check the clock of the device and try the next one")
	}
	return s.enrol(ctx, actor, policy.Method{
		ID: pending.ID, AccountID: id, Kind: policy.MethodTOTP, Label: label, Sealed: pending.Sealed, Counter: step,
	})
}

// AddWebAuthn enrols a passkey or security key. credential is what the portal
// needs to verify it later; it is kept sealed. counter is its signature counter.
func (s *Service) AddWebAuthn(ctx context.Context, actor Actor, id, label string, credential []byte, counter uint32) (policy.Method, error) {
	methodID, err := directory.NewID(s.Random)
	if err != nil {
		return policy.Method{}, err
	}
	sealed, err := s.Keys.Seal(s.Random, sealedWebAuthn, methodRow(id, methodID), credential)
	if err != nil {
		return policy.Method{}, fmt.Errorf("sealing the credential: %w", err)
	}
	return s.enrol(ctx, actor, policy.Method{
		ID: methodID, AccountID: id, Kind: policy.MethodWebAuthn, Label: label, Sealed: sealed, Counter: int64(counter),
	})
}

func (s *Service) enrol(ctx context.Context, actor Actor, m policy.Method) (policy.Method, error) {
	m.Label = strings.TrimSpace(m.Label)
	if r := checkMethodLabel(m.Label); r != nil {
		return policy.Method{}, r
	}
	h, err := s.holder(ctx, m.AccountID)
	if err != nil {
		return policy.Method{}, err
	}
	m.CreatedAt = s.now()
	ev, err := s.event(actor, directory.EventMFAEnrolled, h.Account)
	if err != nil {
		return policy.Method{}, err
	}
	ev.Detail = string(m.Kind)
	return m, s.changed(s.Records.AddMethod(ctx, m, ev))
}

func checkMethodLabel(label string) *Refusal {
	if label == "" {
		return refuse(BadLabel, "give the method a name to know it by")
	}
	return checkText(BadLabel, "name of the method", label, MaxLabel)
}

// CheckTOTP says whether code is one of the account's now, and uses it up: of
// two that present the same code at once, one is told no. An error says that
// it is not known. It suits policy.Second.
func (s *Service) CheckTOTP(ctx context.Context, id, code string) (bool, error) {
	methods, err := s.Methods(ctx, id)
	if err != nil {
		return false, err
	}
	var broken error
	for _, m := range methods {
		if m.Kind != policy.MethodTOTP {
			continue
		}
		seed, err := s.Keys.Open(sealedTOTP, methodRow(id, m.ID), m.Sealed)
		if err != nil {
			broken = fmt.Errorf("opening the TOTP seed: %w", err)
			continue
		}
		if step, ok := secret.MatchTOTP(seed, code, s.Now(), m.Counter); ok {
			return s.advance(ctx, m, step)
		}
	}
	return false, broken
}

// advance says no where another use of the method was faster.
func (s *Service) advance(ctx context.Context, m policy.Method, to int64) (bool, error) {
	err := s.Records.AdvanceMethod(ctx, m.ID, m.Counter, to, s.now())
	if errors.Is(err, directory.ErrConflict) || errors.Is(err, directory.ErrNotFound) {
		return false, nil
	}
	return err == nil, wrap("noting the use of a second factor", err)
}

// WebAuthnMethod is an enrolled passkey or security key, with what the portal
// kept of it.
type WebAuthnMethod struct {
	policy.Method
	Credential []byte
}

// WebAuthn returns the passkeys and security keys of an account.
func (s *Service) WebAuthn(ctx context.Context, id string) ([]WebAuthnMethod, error) {
	methods, err := s.Methods(ctx, id)
	if err != nil {
		return nil, err
	}
	var list []WebAuthnMethod
	for _, m := range methods {
		if m.Kind != policy.MethodWebAuthn {
			continue
		}
		credential, err := s.Keys.Open(sealedWebAuthn, methodRow(id, m.ID), m.Sealed)
		if err != nil {
			return nil, fmt.Errorf("opening a WebAuthn credential: %w", err)
		}
		list = append(list, WebAuthnMethod{m, credential})
	}
	return list, nil
}

// UseWebAuthn notes that m, which the portal has verified, signed with that
// counter. It says no where the counter did not grow (WebAuthn §7.2 step 22):
// the key may have been copied. Keys that do not count stay at zero.
func (s *Service) UseWebAuthn(ctx context.Context, m policy.Method, counter uint32) (bool, error) {
	to := int64(counter)
	if to <= m.Counter && (to != 0 || m.Counter != 0) {
		return false, nil
	}
	return s.advance(ctx, m, to)
}

// Methods returns the second factors of an account, oldest first.
func (s *Service) Methods(ctx context.Context, id string) ([]policy.Method, error) {
	methods, err := s.Records.Methods(ctx, id)
	return methods, wrap("reading the second factors", err)
}

// RemoveMethod removes a second factor of an account, but not the last one
// while MFA is demanded: MFAReset does that.
func (s *Service) RemoveMethod(ctx context.Context, actor Actor, id, method string) error {
	h, err := s.holder(ctx, id)
	if err != nil {
		return err
	}
	stay := 0
	if state, _ := s.MFA(h); state != policy.MFAOff {
		stay = 1
	}
	err = s.changeMethod(ctx, actor, id, "second factor removed", func(ev directory.Event) error {
		return s.Records.RemoveMethod(ctx, id, method, stay, ev)
	})
	if errors.Is(err, directory.ErrConflict) {
		return refuse(LastMethod, "this is the only second factor and MFA is on: add another one first")
	}
	return err
}

// RenameMethod gives a second factor another name.
func (s *Service) RenameMethod(ctx context.Context, actor Actor, id, method, label string) error {
	label = strings.TrimSpace(label)
	if r := checkMethodLabel(label); r != nil {
		return r
	}
	return s.changeMethod(ctx, actor, id, "second factor renamed", func(ev directory.Event) error {
		return s.Records.RenameMethod(ctx, id, method, label, ev)
	})
}

// BreakSession ends the sign-in at the portal with that digest, of whom wrong
// answers to a second factor came from source: somebody else may sit there.
func (s *Service) BreakSession(ctx context.Context, actor Actor, a directory.Account, digest, source string) error {
	ev, err := s.event(actor, directory.EventSessionBroken, a)
	if err != nil {
		return err
	}
	ev.Source, ev.Detail = source, "wrong answers to the second factor"
	return wrap("ending a sign-in at the portal", s.Records.BreakSession(ctx, a.ID, digest, ev))
}

func (s *Service) changeMethod(ctx context.Context, actor Actor, id, detail string, apply func(directory.Event) error) error {
	h, err := s.holder(ctx, id)
	if err != nil {
		return err
	}
	ev, err := s.event(actor, directory.EventAccountChanged, h.Account)
	if err != nil {
		return err
	}
	ev.Detail = detail
	err = apply(ev)
	if errors.Is(err, directory.ErrNotFound) {
		return refuse(UnknownMethod, "this second factor is not enrolled any more")
	}
	return wrap("keeping the change", err)
}

// AddTOTP enrols a new seed at once, without a code that shows that the app has
// it: for an administrator who hands it over. issuer is as for StartTOTP.
func (s *Service) AddTOTP(ctx context.Context, actor Actor, id, issuer, label string) (PendingTOTP, error) {
	made, err := s.StartTOTP(ctx, id, issuer)
	if err != nil {
		return PendingTOTP{}, err
	}
	_, err = s.enrol(ctx, actor, policy.Method{
		ID: made.ID, AccountID: id, Kind: policy.MethodTOTP, Label: label, Sealed: made.Sealed,
	})
	if err != nil {
		return PendingTOTP{}, err
	}
	return made, nil
}
