package portal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"postern/account"
	"postern/directory"
	"postern/policy"
	"postern/secret"
)

const (
	sessionIdle = 30 * time.Minute
	sessionMost = 8 * time.Hour
	// provenFor is how long what was shown counts for making and revoking.
	provenFor = 10 * time.Minute
)

// visitor is who asks, as the request found them. Handlers behind signedIn get
// one.
type visitor struct {
	session directory.Session
	holder  policy.Holder
	mfa     policy.MFAState
	admin   bool
}

func (v *visitor) id() string { return v.holder.Account.ID }

func (v *visitor) actor() account.Actor { return account.Actor("portal:" + v.holder.Account.Login) }

// full reports whether the sign-in is complete: nothing more is asked of the
// account now than was shown.
func (v *visitor) full() bool {
	return v.session.Stage == directory.SessionSecond || v.mfa == policy.MFAOff
}

// proven reports whether all that the account asks for was shown not long ago.
func (v *visitor) proven(now time.Time) bool {
	return v.full() && now.Sub(v.session.ProvenAt) < provenFor
}

// errNoSession says that nobody is signed in; it is not a failure.
var errNoSession = errors.New("nobody is signed in")

// visit finds who asks, reading the account anew: somebody who was disabled a
// moment ago is nobody now.
func (p *Portal) visit(r *http.Request) (*visitor, error) {
	token := p.cookie(r, sessionName)
	if token.Empty() {
		return nil, errNoSession
	}
	ctx, now := r.Context(), p.Now().UTC()
	s, err := p.Sessions.SessionByDigest(ctx, p.Keys.SessionDigest(token))
	if errors.Is(err, directory.ErrNotFound) {
		return nil, errNoSession
	}
	if err != nil {
		return nil, fmt.Errorf("reading the session: %w", err)
	}
	if over(s, now) {
		return nil, errNoSession
	}
	v, err := p.visitor(ctx, s, now)
	if err != nil {
		return nil, err
	}
	return v, p.seen(ctx, s, now)
}

// over reports whether a session has run out: nobody used it for a while, or
// its sign-in was too long ago, whatever happened since.
func over(s directory.Session, now time.Time) bool {
	return now.Sub(s.SeenAt) >= sessionIdle || now.Sub(s.CreatedAt) >= sessionMost
}

func (p *Portal) visitor(ctx context.Context, s directory.Session, now time.Time) (*visitor, error) {
	h, err := p.Accounts.Records.HolderByID(ctx, s.AccountID)
	if errors.Is(err, directory.ErrNotFound) {
		return nil, errNoSession
	}
	if err != nil {
		return nil, fmt.Errorf("reading the account: %w", err)
	}
	if h.Account.Disabled || h.Account.Expired(now) || h.Account.Kind != directory.Person {
		return nil, errNoSession
	}
	mfa, _ := p.Accounts.MFA(h)
	if mfa == policy.MFAEnforced && s.Stage != directory.SessionSecond {
		return nil, errNoSession // MFA was turned on meanwhile, and a factor was enrolled before
	}
	v := &visitor{session: s, holder: h, mfa: mfa}
	v.admin = s.Stage == directory.SessionSecond && slices.Contains(h.Groups, p.Settings().AdminGroup)
	return v, nil
}

// staysFor is how long a sign-in lasts at least after a request, which may have
// gone unnoted.
const staysFor = sessionIdle - time.Minute

// seen notes the request, at most once a minute.
func (p *Portal) seen(ctx context.Context, s directory.Session, now time.Time) error {
	if now.Sub(s.SeenAt) < time.Minute {
		return nil
	}
	if err := p.Sessions.SeeSession(ctx, s.Digest, now); err != nil {
		p.Log.Warn("a session's last request could not be noted", "error", err)
	}
	return nil
}

// begin starts a session under a new token. Where the browser had one, that
// ends: a token known before the sign-in is worth nothing after it.
func (p *Portal) begin(w http.ResponseWriter, r *http.Request, accountID string, stage directory.SessionStage) error {
	now := p.Now().UTC().Truncate(time.Second)
	s := directory.Session{
		AccountID: accountID, Stage: stage, CreatedAt: now, SeenAt: now, ProvenAt: now,
		Source: p.remote(r).Addr().String(), Agent: clip(r.UserAgent(), 200),
	}
	return p.renew(w, r, s)
}

// raise gives the session a new token and a fresh proof, at a stage that is no
// lower.
func (p *Portal) raise(w http.ResponseWriter, r *http.Request, v *visitor, stage directory.SessionStage) error {
	s := v.session
	s.Stage = max(s.Stage, stage)
	s.ProvenAt = p.Now().UTC().Truncate(time.Second)
	s.SeenAt = s.ProvenAt
	return p.renew(w, r, s)
}

func (p *Portal) renew(w http.ResponseWriter, r *http.Request, s directory.Session) error {
	ctx := r.Context()
	token, err := newToken(p.Random)
	if err != nil {
		return err
	}
	if old := p.cookie(r, sessionName); !old.Empty() {
		if err := p.end(ctx, old); err != nil {
			return err
		}
	}
	s.Digest = p.Keys.SessionDigest(token)
	if err := p.Sessions.AddSession(ctx, s); err != nil {
		return fmt.Errorf("keeping the session: %w", err)
	}
	p.setCookie(w, sessionName, token)
	return nil
}

// end ends the session of a token, if there is one.
func (p *Portal) end(ctx context.Context, token secret.Text) error {
	digest := p.Keys.SessionDigest(token)
	s, err := p.Sessions.SessionByDigest(ctx, digest)
	if err == nil {
		err = p.Listing.EndSession(ctx, s.AccountID, digest)
	}
	if err != nil && !errors.Is(err, directory.ErrNotFound) {
		return fmt.Errorf("ending the session: %w", err)
	}
	return nil
}

func clip(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return s
}
