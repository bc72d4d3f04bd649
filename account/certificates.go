package account

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"postern/directory"
	"postern/policy"
)

// Certificate is a client certificate as it is bound to an account: by its
// fingerprint, so that it does not matter who signed it.
type Certificate struct {
	Fingerprint [sha256.Size]byte // SHA-256 of the certificate in DER
	NotAfter    time.Time
}

// AddCertificate binds a certificate to an account. It is a credential like an
// app password: scoped, listed and revoked alike. It ends with NotAfter at the
// latest.
func (s *Service) AddCertificate(ctx context.Context, actor Actor, id string, c Certificate, r Request) (directory.AppPassword, error) {
	h, err := s.holder(ctx, id)
	if err != nil {
		return directory.AppPassword{}, err
	}
	r.Challenge = directory.ChallengeNone
	p, err := s.describe(r)
	if err != nil {
		return directory.AppPassword{}, err
	}
	if !c.NotAfter.After(p.CreatedAt) {
		return directory.AppPassword{}, refuse(BadExpiry, "the certificate has expired on %s", c.NotAfter.UTC().Format(time.DateOnly))
	}
	if p.ExpiresAt.IsZero() || c.NotAfter.Before(p.ExpiresAt) {
		p.ExpiresAt = c.NotAfter.UTC().Truncate(time.Second)
	}
	if p.ID, err = directory.NewID(s.Random); err != nil {
		return directory.AppPassword{}, err
	}
	p.Kind, p.AccountID = directory.KindCertificate, h.Account.ID
	return p, s.bind(ctx, actor, h, p, c)
}

// bind keeps the certificate with its event.
func (s *Service) bind(ctx context.Context, actor Actor, h policy.Holder, p directory.AppPassword, c Certificate) error {
	holding := policy.Holding{Holder: h, Credential: p, Digest: s.Keys.Digest(policy.CertificateText(c.Fingerprint))}
	holding.RowMAC = policy.CredentialMAC(s.Keys, holding)
	ev, err := s.credentialEvent(actor, directory.EventAppPasswordIssued, h.Account, p.ID)
	if err != nil {
		return err
	}
	ev.Detail = "certificate"
	err = s.Records.IssueAppPassword(ctx, holding, policy.Limit{}, ev)
	if errors.Is(err, directory.ErrConflict) {
		return refuse(CertificateTaken, "this certificate is bound to an account already, or was once: make a new one")
	}
	return s.changed(err)
}
