package policy

import (
	"net/netip"
	"time"

	"postern/directory"
	"postern/secret"
)

// ClientKind says what kind of client presents a credential. The zero value
// is the one with the fewest rights.
type ClientKind uint8

const (
	// Legacy authenticates with one secret and nothing more.
	Legacy ClientKind = iota
	// LegacyOTP is a RADIUS client configured as able to ask for a code.
	LegacyOTP
	// Interactive can ask for a second factor: the portal.
	Interactive
)

// String returns the word the golden table and the events use.
func (k ClientKind) String() string {
	return nameOf(k, "legacy", "legacy-otp", "interactive")
}

// Protocol names the door an attempt came through.
type Protocol string

const (
	LDAP   Protocol = "ldap"
	RADIUS Protocol = "radius"
	Portal Protocol = "portal"
)

// Client is who presents the credential, as the configuration knows it.
type Client struct {
	Kind     ClientKind
	Protocol Protocol
	Name     string // RADIUS client's name; "" elsewhere
	Listener string // LDAP: the listen address as configured
	Base     string // LDAP: application base RDN ("app=mail"); "" for none
	Method   string // "simple", "pap", "mschapv2", "eap-ttls/pap", "password"
	Reported string // the person's own address as the client reports it
}

// ProofForm says what a Proof must be shown to be checked.
type ProofForm uint8

const (
	// ProofNT needs the NT hash of a candidate: the MS-CHAP family.
	ProofNT ProofForm = iota
	// ProofClear needs the candidate in clear: CHAP, EAP-MD5.
	ProofClear
	// ProofCertificate needs the SHA-256 fingerprint of a certificate whose
	// private key the peer has shown to hold: EAP-TLS.
	ProofCertificate
)

// Proof is what a challenge method presents in place of a secret. It answers
// one question: does this candidate explain what the device sent? It holds no
// rule. An implementation belongs to one attempt and is not used concurrently.
type Proof interface {
	Form() ProofForm
	// Explains reports whether candidate (an NT hash, a clear secret or a
	// fingerprint, as Form says) is what the device used. It takes as long for
	// a wrong candidate as for a right one, and is called for dummies too.
	Explains(candidate []byte) bool
}

// Attempt is one credential presented once, by one client, over one protocol.
type Attempt struct {
	ID     string    // stands in the log lines of the attempt; may be empty
	At     time.Time // when the request arrived; refusals leave at At + R
	Login  string    // as typed, or the value taken from a DN
	Naming directory.Naming
	Secret secret.Text // what was presented in clear; empty where Proof is set
	Proof  Proof       // nil for methods that present a secret
	Second *Second     // the second leg; nil in the first. Secret does not count beside it, and Login is for the record
	// Resumed is what a session was accepted for that goes on with neither
	// secret nor proof, as a resumed TLS session does; nil otherwise. An empty
	// Login is no name then, and any other must denote the same account.
	Resumed *Grant
	Client  Client
	Remote  netip.AddrPort
	// Secure says that the secret travelled under TLS or in an authenticated
	// RADIUS packet. It is recorded, not judged: a protocol refuses what it
	// must not carry before an Attempt exists.
	Secure bool
}
