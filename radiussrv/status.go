package radiussrv

import "layeh.com/radius"

// status answers Status-Server (RFC 5997) on the spot. It has no entry in the
// duplicate cache: the answer to the same octets is the same, and asking it
// changes nothing. It is not answered while the server could not decide,
// because a client that hears "alive" would not fail over (RFC 5997 §4).
func (l *listener) status(x *exchange) {
	if !x.client.status.take(x.received) {
		l.drop(x, DropStatusLimit)
		return
	}
	if !l.cfg.Ready() {
		l.drop(x, DropNotReady)
		return
	}
	code := radius.CodeAccessAccept
	if l.role == Accounting {
		code = radius.CodeAccountingResponse
	}
	raw, err := x.client.compose(x.parse(), code, true, nil)
	if err != nil {
		l.drop(x, DropMalformed)
		return
	}
	if l.send(raw, x.from) {
		l.count.statuses.Add(1)
	}
}
