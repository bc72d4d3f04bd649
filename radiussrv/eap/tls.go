package eap

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"

	"postern/policy"
)

// Certificate is a client certificate whose private key the peer has shown to
// hold. It is a policy.CertificateProof.
type Certificate [sha256.Size]byte

// Form says that it takes a fingerprint.
func (Certificate) Form() policy.ProofForm { return policy.ProofCertificate }

// Explains reports whether candidate is the fingerprint.
func (f Certificate) Explains(candidate []byte) bool {
	return subtle.ConstantTimeCompare(f[:], candidate) == 1
}

// Fingerprint is the SHA-256 of the certificate in DER.
func (f Certificate) Fingerprint() [sha256.Size]byte { return f }

// talkTLS is EAP-TLS (RFC 5216, RFC 9190). Which certificates are good is not
// a matter of who signed them: each is bound to an account by its fingerprint.
// The identity outside may be anonymous, or must be the account's (RFC 5216
// §5.2 lets the certificate say who the peer is).
func talkTLS(c *Conversation, m *method, first Packet) ([]byte, error) {
	t, err := m.handshake(c, first, func(cfg *tls.Config) { cfg.ClientAuth = tls.RequireAnyClientCert })
	if err != nil {
		return nil, err
	}
	if err := t.certified(c, m); err != nil {
		return nil, err
	}
	if err := t.commit(); err != nil {
		return nil, err
	}
	t.finished(c.decision)
	return t.msk(m)
}

// certified has the certificate decided.
func (t *tunnel) certified(c *Conversation, m *method) error {
	if t.resumed != nil && t.state.DidResume {
		return t.again(c, m)
	}
	if len(t.state.PeerCertificates) == 0 {
		return failed("the peer shows no certificate")
	}
	proof := Certificate(sha256.Sum256(t.state.PeerCertificates[0].Raw))
	return c.judged(Credential{Identity: c.named(), Proof: proof, Method: m.name, Tunnel: true})
}

// commit ends the handshake for the peer: in TLS 1.3 with the octet that says
// no more handshake messages come (RFC 9190 §2.5), in TLS 1.2 with the
// server's Finished where that is still to be sent.
func (t *tunnel) commit() error {
	if t.state.Version >= tls.VersionTLS13 {
		if _, err := t.Write([]byte{0}); err != nil {
			return t.broken(err)
		}
		return t.acknowledged()
	}
	return t.settle()
}
