package policy

import (
	"context"
	"crypto/sha256"

	"postern/directory"
)

// CertificateProof is the Proof of a method whose form is ProofCertificate.
// The peer has shown to hold the private key before the Attempt is made.
type CertificateProof interface {
	Proof
	// Fingerprint is the SHA-256 of the certificate in DER.
	Fingerprint() [sha256.Size]byte
}

// tryProof matches what a challenge method presented. No hash is run.
func (t *trial) tryProof(ctx context.Context, name directory.Name) {
	if t.a.Proof.Form() == ProofCertificate {
		t.tryCertificate(ctx, name)
		return
	}
	h, known := t.holder(ctx, name)
	if t.facts.Trouble != NoTrouble {
		return
	}
	var candidates []Holding
	if known {
		candidates = t.candidates(ctx, h.Account.ID)
	}
	if t.facts.Trouble != NoTrouble {
		return
	}
	if found, ok := t.explainedBy(candidates); ok {
		found.Holder.Account = h.Account
		t.judge(&found)
	}
}

// tryCertificate matches a certificate. It says by itself whose it is, so a
// peer need not give a name; one that it gives must be right (Attempt.Login).
func (t *trial) tryCertificate(ctx context.Context, name directory.Name) {
	p, ok := t.a.Proof.(CertificateProof)
	if ok && t.tryDigests(ctx, name, t.e.keys.Digests(CertificateText(p.Fingerprint()))) {
		return
	}
	t.holder(ctx, name) // for the record only: whose name it was
}

func (t *trial) candidates(ctx context.Context, accountID string) []Holding {
	if t.e.challengeable == nil {
		return nil
	}
	list, err := t.e.challengeable.ChallengeHoldings(ctx, accountID, t.a.At, t.rules.MaxPerAccount)
	if t.missing(err) {
		return nil
	}
	return list
}

// explainedBy returns the candidate that explains the proof. It always
// computes as many as an account may have, so that the work does not tell how
// many there are or whether one of them was it.
func (t *trial) explainedBy(candidates []Holding) (found Holding, ok bool) {
	for i := range max(len(candidates), t.rules.MaxPerAccount) {
		form, real := t.e.dummy[:], false
		if i < len(candidates) {
			form, real = t.form(candidates[i])
		}
		if t.a.Proof.Explains(form) && real && !ok {
			found, ok = candidates[i], true
		}
	}
	return found, ok
}

// form returns the form of h that the proof asks for, or the dummy where h was
// issued without it or it cannot be opened.
func (t *trial) form(h Holding) (form []byte, real bool) {
	purpose, sealed := SealedNT, h.Sealed
	if t.a.Proof.Form() == ProofClear {
		purpose, sealed = SealedClear, h.SealedClear
	}
	if len(sealed) == 0 {
		return t.e.dummy[:], false
	}
	opened, err := t.e.keys.Open(purpose, h.Credential.ID, sealed)
	if err != nil {
		t.e.log.Error("A sealed form of an app password cannot be opened.", "credential", h.Credential.ID, "error", err)
		return t.e.dummy[:], false
	}
	return opened, true
}
