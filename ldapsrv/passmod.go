package ldapsrv

import (
	"context"
	"errors"

	"postern/ldapsrv/ber"
	"postern/ldapsrv/wire"
	"postern/secret"
)

// PasswordChanger changes primary passwords. It may be called concurrently.
type PasswordChanger interface {
	// ChangePassword gives the account of that id a new primary password. With
	// old not empty it is changed only where old is the present one.
	// ErrPasswordRefused says that the new one cannot be used, in a sentence
	// for its owner; ErrOldPassword that old is not right.
	ChangePassword(ctx context.Context, account string, old, replacement secret.Text) error
}

// Errors of a PasswordChanger, compared with errors.Is.
var (
	ErrPasswordRefused = errors.New("the new password cannot be used")
	ErrOldPassword     = errors.New("the old password is not right")
)

// notYours is the one answer to whoever may not change the password.
var notYours = wire.Result{Code: wire.UnwillingToPerform, Text: "a password can be changed by its owner only, on a connection bound with it"}

// modifyPassword carries out RFC 3062 for who is bound with the very password
// that is to be changed, as the recheck before each operation has confirmed.
// For everybody else nothing of the request is looked at but its shape and the
// name in it.
func (s *session) modifyPassword(ctx context.Context, r request, x wire.ExtendedRequest, out []byte) answer {
	request, ok := readPasswordModify(x)
	switch {
	case s.passwords == nil || !s.who.bound || !s.who.primary || s.who.account == "":
		return refuse(r, out, notYours)
	case !ok:
		return refuse(r, out, wire.Result{Code: wire.ProtocolError, Text: "the password modify request cannot be decoded"})
	case !s.isOwnName(request.identity):
		return refuse(r, out, notYours)
	case !s.mayBindInClear():
		return refuse(r, out, wire.Result{Code: wire.ConfidentialityRequired, Text: "a password needs TLS"})
	case len(request.replacement) == 0:
		return refuse(r, out, wire.Result{Code: wire.UnwillingToPerform, Text: "the new password is missing; none is made up here"})
	}
	err := s.passwords.ChangePassword(ctx, s.who.account, secret.NewText(string(request.old)), secret.NewText(string(request.replacement)))
	return refuse(r, out, passwordResult(err))
}

func passwordResult(err error) wire.Result {
	switch {
	case err == nil:
		return wire.Result{Code: wire.Success}
	case errors.Is(err, ErrOldPassword):
		return wire.Result{Code: wire.UnwillingToPerform, Text: "the old password is not right"}
	case errors.Is(err, ErrPasswordRefused):
		return wire.Result{Code: wire.ConstraintViolation, Text: "the new password cannot be used: it needs 8 characters at least, and must not be the login or look like an app password"}
	case errors.Is(err, secret.ErrBusy):
		return wire.Result{Code: wire.Busy}
	}
	return wire.Result{Code: wire.Unavailable}
}

// isOwnName reports whether name is that of the account the session is bound
// as. RFC 3062 §2 lets it be left out, or be of any form.
func (s *session) isOwnName(name []byte) bool {
	if name == nil {
		return true
	}
	n, ok := s.tree.resolve(string(name), s.rules().applications)
	return ok && n.naming == s.who.naming && sameLogin(n.login, s.who.login) ||
		ok && n.naming == 0 && sameLogin(n.login, s.who.login)
}

// passwordModify is a PasswdModifyRequestValue (RFC 3062 §2).
type passwordModify struct{ identity, old, replacement []byte }

func readPasswordModify(x wire.ExtendedRequest) (m passwordModify, ok bool) {
	if !x.HasValue {
		return m, true
	}
	outer := ber.NewReader(x.Value)
	r, err := outer.Sub(ber.Sequence)
	if err != nil || !outer.Empty() {
		return m, false
	}
	for i, field := range []*[]byte{&m.identity, &m.old, &m.replacement} {
		if r.Peek() == ber.Context(byte(i)) {
			if *field, err = r.Read(ber.Context(byte(i))); err != nil {
				return m, false
			}
		}
	}
	return m, r.Empty()
}
