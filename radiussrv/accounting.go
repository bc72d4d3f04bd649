package radiussrv

import (
	"context"
	"time"

	"layeh.com/radius"
)

// account keeps one Accounting-Request and answers only then (RFC 2866 §2).
// Without a ledger it says nothing: the client goes on asking, or asks another
// server, and loses no record.
func (l *listener) account(ctx context.Context, x *exchange) {
	if l.cfg.Ledger == nil {
		l.silence(x, DropNoLedger)
		return
	}
	request, err := radius.Parse(x.packet, x.client.key.secret)
	if err != nil {
		l.silence(x, DropMalformed)
		return
	}
	err = l.cfg.Ledger.Keep(ctx, AccountingRequest{
		Client: x.client.Name, Remote: x.from.peer, At: x.received, Attributes: request.Attributes,
	})
	if err != nil {
		l.silence(x, DropUnavailable)
		return
	}
	l.leave(x, request, radius.CodeAccountingResponse, nil, time.Time{})
}
