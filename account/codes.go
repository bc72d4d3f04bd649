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

const (
	// RecoveryCodes is how many recovery codes an account gets at a time.
	RecoveryCodes = 10
	// EnrolCodeLife is how long an enrol code can be used.
	EnrolCodeLife = 24 * time.Hour

	codeLength = 16 // of 5 bits each
	// codeAlphabet leaves out letters that look like digits (i, l, o) and u.
	codeAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"
)

// newCode returns a code of 80 random bits, canonical: without dashes.
func newCode(random io.Reader) (secret.Text, error) {
	var b [codeLength]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return secret.Text{}, fmt.Errorf("reading randomness for a code: %w", err)
	}
	for i := range b {
		b[i] = codeAlphabet[b[i]%32]
	}
	return secret.NewText(string(b[:])), nil
}

var codeSpelling = strings.NewReplacer(" ", "", "-", "", "\t", "", "\u00a0", "", "o", "0", "i", "1", "l", "1")

// canonicalCode undoes how people type a code.
func canonicalCode(typed secret.Text) secret.Text {
	return secret.NewText(codeSpelling.Replace(strings.ToLower(typed.Reveal())))
}

// GroupCode returns a canonical code as it is shown: four groups of four.
func GroupCode(code secret.Text) []string {
	var groups []string
	for rest := code.Reveal(); rest != ""; rest = rest[min(4, len(rest)):] {
		groups = append(groups, rest[:min(4, len(rest))])
	}
	return groups
}

// NewRecoveryCodes replaces the recovery codes of an account and returns the
// new ones, to be shown once. Each stands in for a second factor, once.
func (s *Service) NewRecoveryCodes(ctx context.Context, actor Actor, id string) ([]secret.Text, error) {
	codes := make([]secret.Text, RecoveryCodes)
	for i := range codes {
		code, err := newCode(s.Random)
		if err != nil {
			return nil, err
		}
		codes[i] = code
	}
	set := policy.CodeSet{AccountID: id, Purpose: policy.CodeRecovery}
	return codes, s.replaceCodes(ctx, actor, directory.EventAccountChanged, "recovery codes made", set, codes)
}

// EnrolCode makes the code that lets its account enrol a second factor from
// anywhere, once, within EnrolCodeLife. An earlier one ends.
func (s *Service) EnrolCode(ctx context.Context, actor Actor, id string) (code secret.Text, expires time.Time, err error) {
	code, err = newCode(s.Random)
	if err != nil {
		return secret.Text{}, time.Time{}, err
	}
	expires = s.now().Add(EnrolCodeLife)
	set := policy.CodeSet{AccountID: id, Purpose: policy.CodeEnrol, ExpiresAt: expires}
	return code, expires, s.replaceCodes(ctx, actor, directory.EventEnrolCodeMade, "", set, []secret.Text{code})
}

func (s *Service) replaceCodes(ctx context.Context, actor Actor, kind directory.EventKind, detail string, set policy.CodeSet, codes []secret.Text) error {
	h, err := s.holder(ctx, set.AccountID)
	if err != nil {
		return err
	}
	for _, code := range codes {
		set.Digests = append(set.Digests, s.Keys.CodeDigest(string(set.Purpose), set.AccountID, code))
	}
	ev, err := s.event(actor, kind, h.Account)
	if err != nil {
		return err
	}
	ev.Detail = detail
	return s.changed(s.Records.ReplaceCodes(ctx, set, ev))
}

// SpendRecoveryCode says whether typed is an unused recovery code of the
// account, and uses it up. An error says that it is not known. It suits
// policy.Second.
func (s *Service) SpendRecoveryCode(ctx context.Context, id string, typed secret.Text) (bool, error) {
	return s.spend(ctx, id, policy.CodeRecovery, typed)
}

// SpendEnrolCode says whether typed is the enrol code of the account and not
// too old, and uses it up.
func (s *Service) SpendEnrolCode(ctx context.Context, id string, typed secret.Text) (bool, error) {
	return s.spend(ctx, id, policy.CodeEnrol, typed)
}

func (s *Service) spend(ctx context.Context, id string, purpose policy.CodePurpose, typed secret.Text) (bool, error) {
	code := canonicalCode(typed)
	if code.Len() != codeLength {
		return false, nil
	}
	digests := s.Keys.CodeDigests(string(purpose), id, code)
	err := s.Records.SpendCode(ctx, id, purpose, digests, s.now())
	if errors.Is(err, directory.ErrNotFound) {
		return false, nil
	}
	return err == nil, wrap("using the code", err)
}

// RecoveryCodesLeft counts the recovery codes that can still be used.
func (s *Service) RecoveryCodesLeft(ctx context.Context, id string) (int, error) {
	n, err := s.Records.CodesLeft(ctx, id, policy.CodeRecovery, s.now())
	return n, wrap("counting the recovery codes", err)
}
