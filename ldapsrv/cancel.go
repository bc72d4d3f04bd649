package ldapsrv

import (
	"postern/directory"
	"postern/ldapsrv/ber"
	"postern/ldapsrv/wire"
)

// cancel answers RFC 3909. What it names has ended when it is read here: if
// that was because of it, it has done its work.
func (s *session) cancel(r request, x wire.ExtendedRequest, out []byte) answer {
	id, ok := readCancel(x)
	switch {
	case !ok:
		return refuse(r, out, wire.Result{Code: wire.ProtocolError, Text: "the cancel request cannot be decoded"})
	case s.canceled != 0 && id == s.canceled:
		s.canceled = 0
		return refuse(r, out, wire.Result{Code: wire.Success})
	}
	return refuse(r, out, wire.Result{Code: wire.NoSuchOperation, Text: "no operation of that message ID is under way"})
}

// readCancel reads the message ID that a Cancel names.
func readCancel(x wire.ExtendedRequest) (id int32, ok bool) {
	outer := ber.NewReader(x.Value)
	r, err := outer.Sub(ber.Sequence)
	if err != nil || !outer.Empty() {
		return 0, false
	}
	id, err = r.Int(ber.Integer)
	return id, err == nil && r.Empty()
}

// sameLogin reports whether two spellings are of one login.
func sameLogin(a, b string) bool {
	x, errX := directory.NormalizeLogin(a)
	y, errY := directory.NormalizeLogin(b)
	return errX == nil && errY == nil && x == y
}
