// Package passkey runs WebAuthn ceremonies: enrolling a passkey or security
// key, and asking for it. It keeps nothing; what a ceremony must remember
// between its two halves is handed out and taken back.
//
// It may import nothing of Postern's own.
package passkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Person is whose key it is.
type Person struct {
	ID          string // the account's id; it is the user handle
	Login, Name string
	// Credentials are the enrolled ones as Enrolled.Credential gave them.
	Credentials [][]byte
}

// Challenge is the first half of a ceremony.
type Challenge struct {
	Options json.RawMessage // for the browser
	State   []byte          // for the second half; it stays on the server
}

// Enrolled is a new key.
type Enrolled struct {
	Credential []byte
	Counter    uint32
}

// Used says which key was used.
type Used struct {
	Index   int // in Person.Credentials
	Counter uint32
}

// ErrRefused says that what the browser sent does not complete the ceremony.
var ErrRefused = errors.New("the passkey was not accepted")

// Site is the portal as authenticators know it. It may be used concurrently.
type Site struct{ w *webauthn.WebAuthn }

// NewSite returns the Site at the address people type.
func NewSite(public *url.URL) (*Site, error) {
	w, err := webauthn.New(&webauthn.Config{
		RPID:          public.Hostname(),
		RPDisplayName: "Postern",
		RPOrigins:     []string{public.Scheme + "://" + public.Host},
	})
	if err != nil {
		return nil, fmt.Errorf("setting up passkeys for %s: %w", public.Host, err)
	}
	return &Site{w}, nil
}

// BeginEnrol asks the browser for a new key. One that is enrolled already is
// not taken again.
func (s *Site) BeginEnrol(p Person) (Challenge, error) {
	u, err := newUser(p)
	if err != nil {
		return Challenge{}, err
	}
	options, state, err := s.w.BeginRegistration(u,
		webauthn.WithExclusions(webauthn.Credentials(u.credentials).CredentialDescriptors()),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			ResidentKey:      protocol.ResidentKeyRequirementPreferred,
			UserVerification: protocol.VerificationPreferred,
		}),
		webauthn.WithConveyancePreference(protocol.PreferNoAttestation))
	if err != nil {
		return Challenge{}, fmt.Errorf("beginning to enrol a passkey: %w", err)
	}
	return challenge(options, state)
}

// FinishEnrol checks what the browser made. ErrRefused: it does not fit.
func (s *Site) FinishEnrol(p Person, state, answer []byte) (Enrolled, error) {
	u, data, err := resume(p, state)
	if err != nil {
		return Enrolled{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Enrolled{}, ErrRefused
	}
	c, err := s.w.CreateCredential(u, data, parsed)
	if err != nil {
		return Enrolled{}, ErrRefused
	}
	stored, err := json.Marshal(c)
	if err != nil {
		return Enrolled{}, fmt.Errorf("encoding a passkey: %w", err)
	}
	return Enrolled{Credential: stored, Counter: c.Authenticator.SignCount}, nil
}

// BeginUse asks the browser for one of the person's keys.
func (s *Site) BeginUse(p Person) (Challenge, error) {
	u, err := newUser(p)
	if err != nil {
		return Challenge{}, err
	}
	if len(u.credentials) == 0 {
		return Challenge{}, ErrRefused
	}
	options, state, err := s.w.BeginLogin(u, webauthn.WithUserVerification(protocol.VerificationPreferred))
	if err != nil {
		return Challenge{}, fmt.Errorf("asking for a passkey: %w", err)
	}
	return challenge(options, state)
}

// FinishUse checks what the browser signed. ErrRefused: it does not fit. The
// caller compares the counter with the last it saw.
func (s *Site) FinishUse(p Person, state, answer []byte) (Used, error) {
	u, data, err := resume(p, state)
	if err != nil {
		return Used{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return Used{}, ErrRefused
	}
	c, err := s.w.ValidateLogin(u, data, parsed)
	if err != nil {
		return Used{}, ErrRefused
	}
	for i, known := range u.credentials {
		if string(known.ID) == string(c.ID) {
			return Used{Index: i, Counter: parsed.Response.AuthenticatorData.Counter}, nil
		}
	}
	return Used{}, ErrRefused
}

func challenge(options any, state *webauthn.SessionData) (Challenge, error) {
	var c Challenge
	var err error
	if c.Options, err = json.Marshal(options); err != nil {
		return Challenge{}, fmt.Errorf("encoding a passkey challenge: %w", err)
	}
	if c.State, err = json.Marshal(state); err != nil {
		return Challenge{}, fmt.Errorf("encoding a passkey challenge: %w", err)
	}
	return c, nil
}

func resume(p Person, state []byte) (*user, webauthn.SessionData, error) {
	var data webauthn.SessionData
	if len(state) == 0 {
		return nil, data, ErrRefused
	}
	if err := json.Unmarshal(state, &data); err != nil {
		return nil, data, fmt.Errorf("decoding a passkey challenge: %w", err)
	}
	u, err := newUser(p)
	return u, data, err
}

// user is a Person as the library wants one.
type user struct {
	p           Person
	credentials []webauthn.Credential
}

func newUser(p Person) (*user, error) {
	u := &user{p: p, credentials: make([]webauthn.Credential, len(p.Credentials))}
	for i, stored := range p.Credentials {
		if err := json.Unmarshal(stored, &u.credentials[i]); err != nil {
			return nil, fmt.Errorf("decoding a passkey: %w", err)
		}
	}
	return u, nil
}

func (u *user) WebAuthnID() []byte                         { return []byte(u.p.ID) }
func (u *user) WebAuthnName() string                       { return u.p.Login }
func (u *user) WebAuthnCredentials() []webauthn.Credential { return u.credentials }

func (u *user) WebAuthnDisplayName() string {
	if u.p.Name == "" {
		return u.p.Login
	}
	return u.p.Name
}
