package radiussrv_test

import (
	"bytes"
	"testing"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"postern/radiussrv"
	"postern/secret"
)

var unsigned = without(rfc2869.MessageAuthenticator_Type)

// lenient is a client that need not sign.
func lenient(edit ...func(*radiussrv.Client)) []radiussrv.Client {
	c := loopback("lenient")
	c.AllowUnsigned = true
	for _, e := range edit {
		e(&c)
	}
	return []radiussrv.Client{c}
}

func TestUnsignedRequestsAreTakenOnlyAsTheClientAllows(t *testing.T) {
	proxied := add(rfc2865.ProxyState_Type, 'p')
	eapStart := func(p *radius.Packet) { p.Set(rfc2869.EAPMessage_Type, nil); p.Del(rfc2865.UserPassword_Type) }
	open := lenient(func(c *radiussrv.Client) { c.AllowUnsignedProxyState = true })
	strict := []radiussrv.Client{loopback("strict")}
	const taken = radiussrv.Drop(255)
	for _, c := range []struct {
		name    string
		clients []radiussrv.Client
		request []byte
		want    radiussrv.Drop
	}{
		{"strict, signed", strict, good(t), taken},
		{"strict, signed and proxied", strict, good(t, proxied), taken},
		{"strict, unsigned", strict, good(t, unsigned), radiussrv.DropUnsigned},
		{"lenient, unsigned", lenient(), good(t, unsigned), taken},
		{"lenient, signed", lenient(), good(t), taken},
		{"lenient, unsigned and proxied", lenient(), good(t, unsigned, proxied), radiussrv.DropUnsignedProxyState},
		{"lenient, signed and proxied", lenient(), good(t, proxied), taken},
		{"open, unsigned and proxied", open, good(t, unsigned, proxied), taken},
		{"open, EAP unsigned", open, good(t, unsigned, eapStart), radiussrv.DropUnsigned},
		{"open, Status-Server unsigned", open, withCode(good(t, unsigned), 12), radiussrv.DropUnsigned},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, radiussrv.Authentication, radiussrv.Config{Clients: c.clients}, func(r *rig) {
				if c.want == taken {
					r.ask(c.request)
					return
				}
				r.send(c.request)
				r.silent()
				r.dropped(c.want, 1)
			})
		})
	}
}

func TestAForgedMessageAuthenticatorIsNeverTaken(t *testing.T) {
	for name, clients := range map[string][]radiussrv.Client{"strict": {loopback("strict")}, "lenient": lenient()} {
		t.Run(name, func(t *testing.T) {
			bubble(t, radiussrv.Authentication, radiussrv.Config{Clients: clients}, func(r *rig) {
				whole := good(t, add(rfc2865.ProxyState_Type, 1, 2, 3))
				for at := range whole {
					if at == 20 || at == 21 { // the Message-Authenticator's own header: another shape, another test
						continue
					}
					forged := bytes.Clone(whole)
					forged[at] ^= 1
					r.send(forged)
				}
				r.silent()
				if got := r.Stats(); got.Accepts+got.Rejects != 0 {
					t.Errorf("forged packets were decided: %+v", got)
				}
			})
		})
	}
}

func TestAWrongSharedSecretIsSilenceWhereSignedAndAPlainRefusalWhereNot(t *testing.T) {
	wrong := lenient(func(c *radiussrv.Client) { c.Secret = secret.NewText("another secret entirely") })
	bubble(t, radiussrv.Authentication, radiussrv.Config{Clients: wrong}, func(r *rig) {
		r.send(good(t))
		r.silent()
		r.dropped(radiussrv.DropBadAuthenticator, 1)
		r.send(good(t, unsigned))
		if got := r.replies(); len(got) != 1 || got[0].raw[0] != byte(radius.CodeAccessReject) {
			t.Errorf("got %v, want one Access-Reject", got)
		}
	})
}

func TestUnknownClientsHearNothing(t *testing.T) {
	bubble(t, radiussrv.Authentication, radiussrv.Config{}, func(r *rig) {
		r.sendFrom("192.0.2.1:1812", good(t))
		r.sendFrom("[2001:db8::1]:1812", good(t))
		r.silent()
		r.dropped(radiussrv.DropUnknownClient, 2)
	})
}

func TestEveryAccessReplyBeginsWithTheMessageAuthenticator(t *testing.T) {
	bubble(t, radiussrv.Authentication, radiussrv.Config{Clients: lenient()}, func(r *rig) {
		for name, raw := range map[string][]byte{
			"accept":                  good(t),
			"accept of an unsigned":   good(t, unsigned),
			"reject":                  request(t, "ann", "wrong"),
			"reject with Proxy-State": request(t, "ann", "wrong", add(rfc2865.ProxyState_Type, 1)),
			"reject unseen":           request(t, "", "wrong"),
			"status":                  withCode(good(t), 12),
		} {
			reply := r.raw(raw)
			if reply[20] != 80 {
				t.Errorf("%s: octet 20 of the reply is %d, want 80", name, reply[20])
			}
			r.verify(raw, reply)
		}
	})
}

func TestProxyStateComesBackVerbatimAndInOrder(t *testing.T) {
	states := [][]byte{{3}, {}, {1, 2}, bytes.Repeat([]byte{9}, 253), {3}}
	spread := func(p *radius.Packet) {
		for _, s := range states {
			p.Add(rfc2865.ProxyState_Type, s)
			p.Add(rfc2865.Class_Type, []byte("between"))
		}
	}
	bubble(t, radiussrv.Authentication, radiussrv.Config{}, func(r *rig) {
		for name, raw := range map[string][]byte{
			"accept": good(t, spread), "reject": request(t, "ann", "wrong", spread), "status": withCode(good(t, spread), 12),
		} {
			p := r.ask(raw)
			if len(p.Attributes) != len(states)+1 {
				t.Fatalf("%s: %d attributes, want the signature and %d Proxy-States", name, len(p.Attributes), len(states))
			}
			for i, want := range states {
				got := p.Attributes[i+1]
				if got.Type != rfc2865.ProxyState_Type || !bytes.Equal(got.Attribute, want) {
					t.Errorf("%s: attribute %d is %d %x, want Proxy-State %x", name, i+1, got.Type, got.Attribute, want)
				}
			}
		}
	})
}

func TestAReplyThatDoesNotFitIsNotSent(t *testing.T) {
	fill := func(p *radius.Packet) {
		p.Attributes = nil
		p.Add(rfc2865.UserName_Type, []byte("ann"))
		for range 15 {
			p.Add(rfc2865.ProxyState_Type, make([]byte, 253))
		}
		p.Add(rfc2865.ProxyState_Type, make([]byte, 240))
	}
	open := lenient(func(c *radiussrv.Client) { c.AllowUnsignedProxyState = true })
	bubble(t, radiussrv.Authentication, radiussrv.Config{Clients: open}, func(r *rig) {
		r.send(good(t, fill))
		r.silent()
		r.dropped(radiussrv.DropMalformed, 1)
	})
}
