package ldapsrv

import (
	"postern/ldapsrv/ber"
	"postern/ldapsrv/wire"
)

// The requests of clients, as bytes. A control is its OID; one that begins
// with "!" is critical.

func message(id int32, op wire.Op, content func([]byte) []byte, controls ...string) []byte {
	b, whole := ber.Begin(nil, ber.Sequence)
	b = ber.AppendInt(b, ber.Integer, id)
	b, inner := ber.Begin(b, op)
	b = ber.End(content(b), inner)
	if controls != nil {
		b = appendControls(b, controls)
	}
	return ber.End(b, whole)
}

func appendControls(b []byte, controls []string) []byte {
	b, list := ber.Begin(b, ber.ContextConstructed(0))
	for _, c := range controls {
		var one int
		b, one = ber.Begin(b, ber.Sequence)
		if c[0] == '!' {
			b = ber.AppendString(b, ber.OctetString, c[1:])
			b = ber.AppendBool(b, ber.Boolean, true)
		} else {
			b = ber.AppendString(b, ber.OctetString, c)
		}
		b = ber.End(b, one)
	}
	return ber.End(b, list)
}

func nothing(b []byte) []byte { return b }

func bindMessage(id int32, name, password string, controls ...string) []byte {
	return versionedBind(id, 3, name, password, controls...)
}

func versionedBind(id, version int32, name, password string, controls ...string) []byte {
	return message(id, wire.OpBind, func(b []byte) []byte {
		b = ber.AppendInt(b, ber.Integer, version)
		b = ber.AppendString(b, ber.OctetString, name)
		return ber.AppendString(b, ber.Context(0), password)
	}, controls...)
}

func saslBind(id int32, mechanism string) []byte {
	return message(id, wire.OpBind, func(b []byte) []byte {
		b = ber.AppendInt(b, ber.Integer, 3)
		b = ber.AppendString(b, ber.OctetString, "")
		b, mark := ber.Begin(b, ber.ContextConstructed(3))
		return ber.End(ber.AppendString(b, ber.OctetString, mechanism), mark)
	})
}

func unbindMessage(id int32) []byte { return message(id, wire.OpUnbind, nothing) }

func abandonMessage(id, which int32, controls ...string) []byte {
	return message(id, wire.OpAbandon, func(b []byte) []byte {
		return append(b, byte(which))
	}, controls...)
}

func extendedMessage(id int32, oid string, value ...string) []byte {
	return message(id, wire.OpExtended, func(b []byte) []byte {
		b = ber.AppendString(b, ber.Context(0), oid)
		for _, v := range value {
			b = ber.AppendString(b, ber.Context(1), v)
		}
		return b
	})
}

func whoAmIMessage(id int32) []byte { return extendedMessage(id, wire.OIDWhoAmI) }

// searchMessage searches with a filter that is given as BER.
func searchMessage(id int32, base string, scope wire.Scope, filter []byte, attributes []string, controls ...string) []byte {
	return message(id, wire.OpSearch, func(b []byte) []byte {
		b = ber.AppendString(b, ber.OctetString, base)
		b = ber.AppendInt(b, ber.Enumerated, int32(scope))
		b = ber.AppendInt(b, ber.Enumerated, 0)
		b = ber.AppendInt(b, ber.Integer, 0)
		b = ber.AppendInt(b, ber.Integer, 0)
		b = ber.AppendBool(b, ber.Boolean, false)
		b = append(b, filter...)
		b, list := ber.Begin(b, ber.Sequence)
		for _, a := range attributes {
			b = ber.AppendString(b, ber.OctetString, a)
		}
		return ber.End(b, list)
	}, controls...)
}

func present(attribute string) []byte { return ber.AppendString(nil, ber.Context(7), attribute) }

func equal(attribute, value string) []byte {
	b, mark := ber.Begin(nil, ber.ContextConstructed(3))
	b = ber.AppendString(b, ber.OctetString, attribute)
	return ber.End(ber.AppendString(b, ber.OctetString, value), mark)
}

func not(filter []byte) []byte {
	b, mark := ber.Begin(nil, ber.ContextConstructed(2))
	return ber.End(append(b, filter...), mark)
}

// The other operations, with as little in them as may be.

func compareMessage(id int32) []byte {
	return message(id, wire.OpCompare, func(b []byte) []byte {
		b = ber.AppendString(b, ber.OctetString, "uid=ann,ou=people,"+testBase)
		b, mark := ber.Begin(b, ber.Sequence)
		b = ber.AppendString(b, ber.OctetString, "userPassword")
		return ber.End(ber.AppendString(b, ber.OctetString, "right"), mark)
	})
}

func addMessage(id int32) []byte {
	return message(id, wire.OpAdd, func(b []byte) []byte {
		b = ber.AppendString(b, ber.OctetString, testBase)
		return append(b, byte(ber.Sequence), 0)
	})
}

func modifyMessage(id int32) []byte {
	return message(id, wire.OpModify, func(b []byte) []byte {
		b = ber.AppendString(b, ber.OctetString, testBase)
		return append(b, byte(ber.Sequence), 0)
	})
}

func deleteMessage(id int32) []byte {
	return message(id, wire.OpDelete, func(b []byte) []byte { return append(b, testBase...) })
}

func modifyDNMessage(id int32) []byte {
	return message(id, wire.OpModifyDN, func(b []byte) []byte {
		b = ber.AppendString(b, ber.OctetString, "cn=a,"+testBase)
		b = ber.AppendString(b, ber.OctetString, "cn=b")
		return ber.AppendBool(b, ber.Boolean, true)
	})
}

// The answers of the server, as bytes.

func bindAnswer(id int32, code wire.Code, text ...string) []byte {
	return resultAnswer(id, wire.OpBindResponse, code, text...)
}

func resultAnswer(id int32, op wire.Op, code wire.Code, text ...string) []byte {
	r := wire.Result{Code: code}
	for _, t := range text {
		r.Text = t
	}
	return wire.AppendResult(nil, id, op, r)
}

func whoAmIAnswer(id int32, authzID string) []byte {
	return wire.AppendExtended(nil, id, wire.Extended{Value: authzID, HasValue: true})
}

func startTLSAnswer(id int32, code wire.Code, text string) []byte {
	return wire.AppendExtended(nil, id, wire.Extended{
		Result: wire.Result{Code: code, Text: text}, Name: wire.OIDStartTLS,
	})
}

func noticeAnswer(code wire.Code, text string) []byte {
	return wire.AppendNotice(nil, wire.Result{Code: code, Text: text})
}
