package policy

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"postern/directory"
	"postern/secret"
)

// ntProof stands for what an MS-CHAP device sent, made with the NT hash used.
type ntProof struct {
	used  []byte
	asked int
}

func (*ntProof) Form() ProofForm { return ProofNT }

func (p *ntProof) Explains(candidate []byte) bool {
	p.asked++
	return bytes.Equal(candidate, p.used)
}

// clearProof stands for what a CHAP device sent.
type clearProof struct{ ntProof }

func (*clearProof) Form() ProofForm { return ProofClear }

// certificateProof stands for a certificate the peer holds the key of.
type certificateProof [sha256.Size]byte

func (certificateProof) Form() ProofForm                  { return ProofCertificate }
func (certificateProof) Explains([]byte) bool             { return false }
func (p certificateProof) Fingerprint() [sha256.Size]byte { return p }

func (w *world) prove(t *testing.T, login string, p Proof) outcome {
	t.Helper()
	o := w.authenticate(t, Attempt{Client: vpnClient, Login: login, Proof: p, Remote: mailAddr})
	if o.hashes != 0 {
		t.Errorf("%d hashes for a proof", o.hashes)
	}
	return o
}

func TestAProofMadeWithAnAppPasswordIsAccepted(t *testing.T) {
	w := newWorld(t)
	w.issue(t, "id-ann", nil)
	app, row := w.issue(t, "id-ann", nil)
	o := w.prove(t, "ann", &ntProof{used: secret.NTHash(app)})
	o.expect(t, Accept, ReasonAppPassword)
	if o.Credential != row.Credential.ID {
		t.Errorf("credential %q", o.Credential)
	}
	w.prove(t, "ann", &clearProof{ntProof{used: []byte(app.Reveal())}}).expect(t, Accept, ReasonAppPassword)
	w.prove(t, "bob", &ntProof{used: secret.NTHash(app)}).expect(t, Reject, ReasonWrongSecret)
}

func TestAProofMadeWithAPrimaryIsRefused(t *testing.T) {
	w := newWorld(t)
	w.issue(t, "id-ann", nil)
	for login, password := range map[string]string{"ann": annPassword, "bob": bobPassword} {
		w.prove(t, login, &ntProof{used: secret.NTHash(text(password))}).expect(t, Reject, ReasonWrongSecret)
		w.prove(t, login, &clearProof{ntProof{used: []byte(password)}}).expect(t, Reject, ReasonWrongSecret)
	}
}

func TestEveryProofComputesAsManyCandidatesAsAnAccountMayHave(t *testing.T) {
	w := newWorld(t)
	first, _ := w.issue(t, "id-ann", nil)
	w.issue(t, "id-ann", nil)
	for name, p := range map[string]*ntProof{
		"ann":    {used: secret.NTHash(first)},
		"Ann":    {used: secret.NTHash(text("wrong"))},
		"bob":    {used: secret.NTHash(text("wrong"))},
		"nobody": {used: secret.NTHash(text("wrong"))},
	} {
		w.prove(t, name, p)
		if p.asked != w.rules.MaxPerAccount {
			t.Errorf("%s: %d candidates, want %d", name, p.asked, w.rules.MaxPerAccount)
		}
	}
}

func TestADummyNeverExplainsAProof(t *testing.T) {
	w := newWorld(t)
	w.prove(t, "bob", &ntProof{used: make([]byte, 16)}).expect(t, Reject, ReasonWrongSecret)
	w.issue(t, "id-bob", nil)
	w.held[0].Sealed = []byte("damaged")
	w.prove(t, "bob", &ntProof{used: make([]byte, 16)}).expect(t, Reject, ReasonWrongSecret)
	w.held[0].Sealed = nil
	w.prove(t, "bob", &ntProof{}).expect(t, Reject, ReasonWrongSecret)
}

func TestAProofIsHeldToScopeLikeASecret(t *testing.T) {
	w := newWorld(t)
	app, row := w.issue(t, "id-ann", func(p *directory.AppPassword) { p.Services = []string{"mail"} })
	w.prove(t, "ann", &ntProof{used: secret.NTHash(app)}).expect(t, Reject, ReasonOtherService)
	row.Credential.Services = []string{"vpn"}
	w.prove(t, "ann", &ntProof{used: secret.NTHash(app)}).expect(t, Reject, ReasonForged)
}

func TestACertificateIsACredentialOfTheSameKind(t *testing.T) {
	w := newWorld(t)
	fingerprint := sha256.Sum256([]byte("certificate"))
	bound := CertificateText(fingerprint)
	row := w.keep(t, "id-ann", bound, w.keys.Digest(bound), func(p *directory.AppPassword) {
		p.Kind, p.Services = directory.KindCertificate, []string{"vpn"}
	})
	w.prove(t, "ann", certificateProof(fingerprint)).expect(t, Accept, ReasonAppPassword)
	w.prove(t, "bob", certificateProof(fingerprint)).expect(t, Reject, ReasonWrongSecret)
	w.prove(t, "ann", certificateProof{}).expect(t, Reject, ReasonWrongSecret)
	w.authenticate(t, Attempt{Client: mailClient, Login: "ann", Proof: certificateProof(fingerprint), Remote: mailAddr}).
		expect(t, Reject, ReasonOtherService)
	w.attempt(t, vpnClient, "ann", bound).expect(t, Reject, ReasonWrongSecret) // its fingerprint is no secret
	row.Credential.RevokedAt = noon
	w.prove(t, "ann", certificateProof(fingerprint)).expect(t, Reject, ReasonRevoked)
}

func TestWithoutChallengeableNoProofHolds(t *testing.T) {
	w := newWorld(t)
	app, _ := w.issue(t, "id-ann", nil)
	w.engine.challengeable = nil
	w.prove(t, "ann", &ntProof{used: secret.NTHash(app)}).expect(t, Reject, ReasonWrongSecret)
}
