package ldapsrv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"postern/directory"
	"postern/ldapsrv/wire"
	"postern/policy"
)

var (
	testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	loopback = netip.MustParseAddrPort("127.0.0.1:40000")
	outside  = netip.MustParseAddrPort("192.0.2.7:40000")
)

const (
	annName  = "uid=ann,ou=people," + testBase
	noTLS    = "a bind with a password needs TLS"
	noOffer  = "the operation is not offered"
	noSearch = "the directory cannot be searched"
	noName   = "a bind with a name needs a password"
	badName  = "the name is not a distinguished name"
	noExt    = "the extended operation is not known"
	critical = "a critical control is not known"
)

// world is a session with its surroundings faked, and what was seen of them.
type world struct {
	session  session
	rules    Rules
	decide   func(policy.Attempt) policy.Decision
	entitled func() (bool, error)

	attempts []policy.Attempt
	rechecks int
}

// newWorld returns a session of a client on loopback, under the rules of
// testConfig, where TLS is offered.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{rules: testConfig().Rules}
	w.rules.Applications = []string{"app=mail"}
	w.decide = func(a policy.Attempt) policy.Decision { return knowsAnn(context.Background(), a) }
	w.entitled = func() (bool, error) { return true, nil }
	c := testConfig()
	c.Authenticator = authFunc(func(_ context.Context, a policy.Attempt) policy.Decision {
		w.attempts = append(w.attempts, a)
		return w.decide(a)
	})
	c.Entitler = entitleFunc(func(context.Context, policy.Grant) (bool, error) {
		w.rechecks++
		return w.entitled()
	})
	srv, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	shared := srv.service
	shared.canTLS = true
	shared.rules = func() *rules {
		r, err := compileRules(testBase, time.Time{}, w.rules)
		if err != nil {
			t.Error(err)
		}
		return r
	}
	w.session = session{service: &shared, peer: peer{remote: loopback, listener: "127.0.0.1:3389"}}
	return w
}

// say hands the session a frame and returns what it answers.
func (w *world) say(t testing.TB, frame []byte) answer {
	t.Helper()
	m, err := wire.Decode(frame)
	fault, ok := asFault(err)
	if !ok {
		t.Fatalf("%x cannot be answered: %v", frame, err)
	}
	return w.session.handle(t.Context(), request{Message: m, at: testTime}, fault, nil)
}

// expect says frame and compares the answer.
func (w *world) expect(t testing.TB, frame, want []byte) {
	t.Helper()
	if got := w.say(t, frame); !bytes.Equal(got.out, want) || got.next != carryOn {
		t.Errorf("%q is answered with %q and then %d; want %q", frame, got.out, got.next, want)
	}
}

func TestABindIsAnsweredAsDecided(t *testing.T) {
	for _, c := range []struct {
		outcome policy.Outcome
		want    wire.Code
	}{
		{policy.Accept, wire.Success},
		{policy.Reject, wire.InvalidCredentials},
		{policy.SecondFactor, wire.InvalidCredentials},
		{policy.Enrol, wire.InvalidCredentials},
		{policy.Busy, wire.Busy},
		{policy.Unavailable, wire.Unavailable},
		{policy.Outcome(200), wire.InvalidCredentials},
	} {
		w := newWorld(t)
		later := testTime.Add(time.Second)
		w.decide = func(policy.Attempt) policy.Decision {
			return policy.Decision{Outcome: c.outcome, Reason: "a reason", Login: "ann", Account: "id", ReplyAt: later}
		}
		got := w.say(t, bindMessage(7, annName, "right"))
		if !bytes.Equal(got.out, bindAnswer(7, c.want)) || !got.hold.Equal(later) {
			t.Errorf("outcome %d is answered with %q, held until %v; want %v without a word, held until %v", c.outcome, got.out, got.hold, c.want, later)
		}
		if w.session.who.bound != (c.outcome == policy.Accept) {
			t.Errorf("outcome %d leaves the session as %+v", c.outcome, w.session.who)
		}
	}
}

func TestTheZeroDecisionRefuses(t *testing.T) {
	if got := resultOf(policy.Decision{}); got != (wire.Result{Code: wire.InvalidCredentials}) {
		t.Errorf("it becomes %+v", got)
	}
}

func TestABindBecomesAnAttempt(t *testing.T) {
	for _, c := range []struct {
		name, login string
		naming      directory.Naming
		base        string
	}{
		{annName, "ann", directory.LoginOnly, ""},
		{"UID=Ann, OU=People, DC=Example, DC=ORG", "Ann", directory.LoginOnly, ""},
		{"0.9.2342.19200300.100.1.1=ann,2.5.4.11=people,dc=example,dc=org", "ann", directory.LoginOnly, ""},
		{`uid=\61nn,ou=people,` + testBase, "ann", directory.LoginOnly, ""},
		{`uid=#0403616e6e,ou=people,` + testBase, "ann", directory.LoginOnly, ""},
		{`uid=a\2cb\+c,ou=people,` + testBase, "a,b+c", directory.LoginOnly, ""},
		{`uid=\20ann\20,ou=people,` + testBase, "ann", directory.LoginOnly, ""},
		{"uid=ann,ou=people,app=mail," + testBase, "ann", directory.LoginOnly, "app=mail"},
		{"uid=ann,ou=people,APP = Mail," + testBase, "ann", directory.LoginOnly, "app=mail"},
		{"cn=mailserver,ou=system," + testBase, "mailserver", directory.ServiceAccountOnly, ""},
		{"cn=mailserver,ou=system,app=mail," + testBase, "mailserver", directory.ServiceAccountOnly, "app=mail"},
		{"ann", "ann", directory.AnyName, ""},
		{"ann@example.org", "ann@example.org", directory.AnyName, ""},
		{`EXAMPLE\ann`, `EXAMPLE\ann`, directory.AnyName, ""},
		{"Ann Lee", "Ann Lee", directory.AnyName, ""},
		{"", "", directory.AnyName, ""},
		// Names that look like one and could be an address; and names of
		// entries that are no account. As typed they denote nobody or, as an
		// address, whoever has it.
		{"bounce=ann@example.org", "bounce=ann@example.org", directory.AnyName, ""},
		{"uid=ann,ou=people,dc=example,dc=com", "uid=ann,ou=people,dc=example,dc=com", directory.AnyName, ""},
		{"uid=ann,ou=groups," + testBase, "uid=ann,ou=groups," + testBase, directory.AnyName, ""},
		{"cn=ann,ou=people," + testBase, "cn=ann,ou=people," + testBase, directory.AnyName, ""},
		{"uid=ann,ou=system," + testBase, "uid=ann,ou=system," + testBase, directory.AnyName, ""},
		{"uid=ann,cn=people," + testBase, "uid=ann,cn=people," + testBase, directory.AnyName, ""},
		{"uid=ann," + testBase, "uid=ann," + testBase, directory.AnyName, ""},
		{testBase, testBase, directory.AnyName, ""},
		{"uid=ann+cn=Ann,ou=people," + testBase, "uid=ann+cn=Ann,ou=people," + testBase, directory.AnyName, ""},
		{"uid=ann,ou=people+l=x," + testBase, "uid=ann,ou=people+l=x," + testBase, directory.AnyName, ""},
		{"uid=ann,ou=people,app=chat," + testBase, "uid=ann,ou=people,app=chat," + testBase, directory.AnyName, ""},
		{"uid=ann,ou=x,ou=people,app=mail," + testBase, "uid=ann,ou=x,ou=people,app=mail," + testBase, directory.AnyName, ""},
	} {
		w := newWorld(t)
		w.say(t, bindMessage(1, c.name, "pässword"))
		if len(w.attempts) != 1 {
			t.Errorf("%q: %d attempts, want one", c.name, len(w.attempts))
			continue
		}
		got := w.attempts[0]
		secret := got.Secret.Reveal()
		got.Secret = policy.Attempt{}.Secret
		want := policy.Attempt{
			At: testTime, Login: c.login, Naming: c.naming, Remote: loopback,
			Client: policy.Client{
				Kind: policy.Legacy, Protocol: policy.LDAP, Listener: "127.0.0.1:3389", Base: c.base, Method: "simple",
			},
		}
		if got != want || secret != "pässword" {
			t.Errorf("%q becomes %+v, want %+v", c.name, got, want)
		}
	}
}

func TestWhatIsRefusedBeforeAnyAttempt(t *testing.T) {
	for _, c := range []struct {
		name  string
		frame []byte
		want  []byte
	}{
		{"version 2", versionedBind(1, 2, annName, "right"), bindAnswer(1, wire.ProtocolError, "only version 3 of the protocol is offered")},
		{"version 4", versionedBind(1, 4, "", ""), bindAnswer(1, wire.ProtocolError, "only version 3 of the protocol is offered")},
		{"SASL", saslBind(1, "PLAIN"), bindAnswer(1, wire.AuthMethodNotSupported, "only simple binds are offered")},
		{"SASL EXTERNAL", saslBind(1, "EXTERNAL"), bindAnswer(1, wire.AuthMethodNotSupported, "only simple binds are offered")},
		{"a name without a password", bindMessage(1, annName, ""), bindAnswer(1, wire.UnwillingToPerform, noName)},
		{"a login without a password", bindMessage(1, "ann", ""), bindAnswer(1, wire.UnwillingToPerform, noName)},
		{"a broken name without a password", bindMessage(1, "uid=,,", ""), bindAnswer(1, wire.UnwillingToPerform, noName)},
		{"a broken name", bindMessage(1, "uid=ann,,"+testBase, "right"), bindAnswer(1, wire.InvalidDNSyntax, badName)},
		{"a critical control", bindMessage(1, annName, "right", "!1.2.3"), bindAnswer(1, wire.UnavailableCriticalExtension, critical)},
		{"a bind without its method", message(1, wire.OpBind, nothing), bindAnswer(1, wire.ProtocolError, "the bind request cannot be decoded")},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.say(t, bindMessage(1, annName, "right"))
			if !w.session.who.bound {
				t.Fatal("the first bind does not hold")
			}
			w.expect(t, c.frame, c.want)
			if len(w.attempts) != 1 {
				t.Errorf("%d attempts were made of it", len(w.attempts)-1)
			}
			// RFC 4511 §4.2.1: whatever comes of a bind, the one before is over.
			if w.session.who.bound {
				t.Error("the session is still bound from before")
			}
		})
	}
}

func TestAPasswordInClearIsTakenWhereTheRulesSay(t *testing.T) {
	for _, c := range []struct {
		rule   CleartextBind
		remote netip.AddrPort
		secure bool
		ok     bool
	}{
		{CleartextNever, loopback, false, false},
		{CleartextNever, outside, false, false},
		{CleartextNever, outside, true, true},
		{CleartextLoopback, loopback, false, true},
		{CleartextLoopback, netip.MustParseAddrPort("127.9.9.9:1"), false, true},
		{CleartextLoopback, netip.MustParseAddrPort("[::1]:1"), false, true},
		{CleartextLoopback, outside, false, false},
		{CleartextLoopback, netip.AddrPort{}, false, false},
		{CleartextLoopback, outside, true, true},
		{CleartextAlways, outside, false, true},
		{CleartextBind(99), loopback, false, false},
	} {
		t.Run(fmt.Sprintf("rule %d from %v secure %v", c.rule, c.remote, c.secure), func(t *testing.T) {
			w := newWorld(t)
			w.rules.CleartextBind = c.rule
			w.session.peer.remote, w.session.peer.secure = c.remote, c.secure
			want := bindAnswer(1, wire.Success)
			if !c.ok {
				want = bindAnswer(1, wire.ConfidentialityRequired, noTLS)
			}
			w.expect(t, bindMessage(1, annName, "right"), want)
			if (len(w.attempts) == 1) != c.ok {
				t.Errorf("%d attempts", len(w.attempts))
			}
			if c.ok && w.attempts[0].Secure != c.secure {
				t.Errorf("the attempt is secure: %v, want %v", w.attempts[0].Secure, c.secure)
			}
			// Nobody's secret travels with these.
			w.expect(t, bindMessage(2, "", ""), bindAnswer(2, wire.Success))
			w.expect(t, bindMessage(3, annName, ""), bindAnswer(3, wire.UnwillingToPerform, noName))
		})
	}
}

func TestWhoAmISaysWhoIsBound(t *testing.T) {
	for _, c := range []struct{ name, login, want string }{
		{annName, "ann", "dn:uid=ann,ou=people," + testBase},
		{"ann@example.org", "Ann", "dn:uid=Ann,ou=people," + testBase},
		{"uid=ann,ou=people,app=mail," + testBase, "ann", "dn:uid=ann,ou=people,app=mail," + testBase},
		{"cn=mailserver,ou=system," + testBase, "mailserver", "dn:cn=mailserver,ou=system," + testBase},
		{`uid=a\,b,ou=people,` + testBase, "a,b", `dn:uid=a\,b,ou=people,` + testBase},
	} {
		w := newWorld(t)
		w.decide = func(policy.Attempt) policy.Decision {
			return policy.Decision{Outcome: policy.Accept, Login: c.login}
		}
		w.expect(t, whoAmIMessage(1), whoAmIAnswer(1, ""))
		w.expect(t, bindMessage(2, c.name, "x"), bindAnswer(2, wire.Success))
		w.expect(t, whoAmIMessage(3), whoAmIAnswer(3, c.want))
		w.expect(t, bindMessage(4, "", ""), bindAnswer(4, wire.Success))
		w.expect(t, whoAmIMessage(5), whoAmIAnswer(5, ""))
	}
}

func TestABoundSessionIsAskedForAtEachOperation(t *testing.T) {
	w := newWorld(t)
	w.say(t, bindMessage(1, annName, "right"))
	w.expect(t, whoAmIMessage(2), whoAmIAnswer(2, "dn:"+annName))
	if w.rechecks != 1 {
		t.Errorf("asked %d times, want once", w.rechecks)
	}

	w.entitled = func() (bool, error) { return true, errors.New("the disk is gone") }
	w.expect(t, whoAmIMessage(3), resultAnswer(3, wire.OpExtendedResponse, wire.Unavailable))
	w.expect(t, searchMessage(4, "", wire.BaseObject, present("objectClass"), nil), resultAnswer(4, wire.OpSearchDone, wire.Unavailable))
	w.entitled = func() (bool, error) { return true, nil }
	w.expect(t, whoAmIMessage(5), whoAmIAnswer(5, "dn:"+annName))

	w.entitled = func() (bool, error) { return false, nil }
	w.expect(t, whoAmIMessage(6), whoAmIAnswer(6, ""))
	w.entitled = func() (bool, error) { return true, nil }
	w.expect(t, whoAmIMessage(7), whoAmIAnswer(7, "")) // lost is lost
	if w.rechecks != 5 {
		t.Errorf("asked %d times, want 5: an anonymous session has nothing to ask for", w.rechecks)
	}
}

func TestEveryOtherOperationIsRefusedAsItsRFCSays(t *testing.T) {
	w := newWorld(t)
	for _, bound := range []bool{false, true} {
		if bound {
			w.say(t, bindMessage(1, annName, "right"))
		}
		for _, c := range []struct{ frame, want []byte }{
			{compareMessage(2), resultAnswer(2, wire.OpCompareResponse, wire.UnwillingToPerform, noOffer)},
			{addMessage(3), resultAnswer(3, wire.OpAddResponse, wire.UnwillingToPerform, noOffer)},
			{modifyMessage(4), resultAnswer(4, wire.OpModifyResponse, wire.UnwillingToPerform, noOffer)},
			{deleteMessage(5), resultAnswer(5, wire.OpDeleteResponse, wire.UnwillingToPerform, noOffer)},
			{modifyDNMessage(6), resultAnswer(6, wire.OpModifyDNResponse, wire.UnwillingToPerform, noOffer)},
			{searchMessage(7, testBase, wire.WholeSubtree, present("cn"), nil), resultAnswer(7, wire.OpSearchDone, wire.UnwillingToPerform, noSearch)},
			{searchMessage(8, "", wire.WholeSubtree, present("cn"), nil), resultAnswer(8, wire.OpSearchDone, wire.UnwillingToPerform, noSearch)},
			{extendedMessage(9, "1.2.3.4"), resultAnswer(9, wire.OpExtendedResponse, wire.ProtocolError, noExt)},
			{extendedMessage(10, wire.OIDWhoAmI, "x"), resultAnswer(10, wire.OpExtendedResponse, wire.ProtocolError, "the operation takes no value")},
			{message(11, wire.OpCompare, nothing), resultAnswer(11, wire.OpCompareResponse, wire.ProtocolError, "the compare request cannot be decoded")},
			{searchMessage(12, "", wire.BaseObject, present("cn"), nil, "!1.2.3"), resultAnswer(12, wire.OpSearchDone, wire.UnavailableCriticalExtension, critical)},
			{abandonMessage(13, 12), nil},
			{abandonMessage(14, 12, "!1.2.3"), nil}, // RFC 4511 §4.1.11: criticality does not count here
			{message(15, wire.OpAbandon, nothing), nil},
		} {
			w.expect(t, c.frame, c.want)
		}
		if w.session.who.bound != bound {
			t.Errorf("after them, the session is bound: %v, want %v", w.session.who.bound, bound)
		}
	}
}

func TestUnbindEndsTheSessionWithoutAWord(t *testing.T) {
	for _, frame := range [][]byte{
		unbindMessage(2),
		message(2, wire.OpUnbind, nothing, "!1.2.3"),
		message(2, wire.OpUnbind, func(b []byte) []byte { return append(b, 0) }),
	} {
		if got := newWorld(t).say(t, frame); len(got.out) != 0 || got.next != hangUp {
			t.Errorf("%x is answered with %q and then %d", frame, got.out, got.next)
		}
	}
}

func TestStartTLSKeepsItsConditions(t *testing.T) {
	startTLSMessage := extendedMessage(2, wire.OIDStartTLS)
	t.Run("it drops the bind", func(t *testing.T) {
		w := newWorld(t)
		w.say(t, bindMessage(1, annName, "right"))
		got := w.say(t, startTLSMessage)
		if !bytes.Equal(got.out, startTLSAnswer(2, wire.Success, "")) || got.next != startTLS {
			t.Errorf("answered with %q and then %d", got.out, got.next)
		}
		if w.session.who.bound || !w.session.peer.secure {
			t.Errorf("the session is %+v of %+v", w.session.who, w.session.peer)
		}
		w.expect(t, startTLSMessage, startTLSAnswer(2, wire.OperationsError, "TLS is in place already"))
	})
	t.Run("it takes no value", func(t *testing.T) {
		newWorld(t).expect(t, extendedMessage(2, wire.OIDStartTLS, ""), startTLSAnswer(2, wire.ProtocolError, "the operation takes no value"))
	})
	t.Run("it needs a certificate", func(t *testing.T) {
		w := newWorld(t)
		w.session.service.canTLS = false
		w.expect(t, startTLSMessage, startTLSAnswer(2, wire.ProtocolError, "TLS is not offered"))
	})
	t.Run("nothing may be sent ahead", func(t *testing.T) {
		w := newWorld(t)
		m, err := wire.Decode(startTLSMessage)
		if err != nil {
			t.Fatal(err)
		}
		got := w.session.handle(t.Context(), request{Message: m, ahead: true}, nil, nil)
		if !bytes.Equal(got.out, startTLSAnswer(2, wire.OperationsError, "more was sent ahead of the answer")) || got.next != carryOn || w.session.peer.secure {
			t.Errorf("answered with %q and then %d", got.out, got.next)
		}
	})
}

func TestTheRootDSEShowsWhatIsOffered(t *testing.T) {
	attribute := func(name string, values ...string) wire.Attribute {
		return wire.Attribute{Name: name, Values: values}
	}
	class := attribute("objectClass", "top")
	contexts := attribute("namingContexts", testBase)
	operational := []wire.Attribute{
		contexts,
		attribute("supportedLDAPVersion", "3"),
		attribute("supportedExtension", wire.OIDWhoAmI, wire.OIDStartTLS),
		attribute("supportedControl", wire.OIDManageDsaIT),
		attribute("supportedFeatures", wire.OIDAllOperational, wire.OIDTrueFalseFilters),
		attribute("vendorName", "Postern"),
		attribute("vendorVersion", "1.2"),
	}
	for _, c := range []struct {
		name   string
		filter []byte
		ask    []string
		want   []wire.Attribute // nil: no entry
	}{
		{"nothing asked for", present("objectClass"), nil, []wire.Attribute{class}},
		{"all of the users'", present("OBJECTCLASS"), []string{"*"}, []wire.Attribute{class}},
		{"the operational ones (RFC 3673)", present("objectClass"), []string{"+"}, operational},
		{"both", present("objectClass"), []string{"+", "*"}, append([]wire.Attribute{class}, operational...)},
		{"one by name", present("objectClass"), []string{"NAMINGcontexts"}, []wire.Attribute{contexts}},
		{"none (RFC 4511 §4.5.1.8)", present("objectClass"), []string{"1.1"}, []wire.Attribute{}},
		{"one that is not there", present("objectClass"), []string{"supportedSASLMechanisms"}, []wire.Attribute{}},
		{"by class", equal("objectClass", "TOP"), nil, []wire.Attribute{class}},
		{"by another class", equal("objectClass", "person"), nil, nil},
		{"by anything but that class", not(equal("objectClass", "person")), nil, []wire.Attribute{class}},
		{"by an attribute unknown", present("foo"), nil, nil},
		{"by anything but an attribute unknown", not(present("foo")), nil, nil},
		{"by another rule", []byte("\xa5\x10\x04\x0bobjectClass\x04\x01t"), nil, nil},
	} {
		w := newWorld(t)
		w.session.service.version = "1.2"
		var want []byte
		if c.want != nil {
			want = wire.AppendEntry(want, 2, "", c.want)
		}
		want = wire.AppendResult(want, 2, wire.OpSearchDone, wire.Result{})
		t.Run(c.name, func(t *testing.T) {
			w.expect(t, searchMessage(2, "", wire.BaseObject, c.filter, c.ask, "!"+wire.OIDManageDsaIT), want)
		})
	}
}

func TestTheRootDSECanBeAskedForTypesOnly(t *testing.T) {
	w := newWorld(t)
	m, err := wire.Decode(searchMessage(2, "", wire.BaseObject, present("objectClass"), nil))
	if err != nil {
		t.Fatal(err)
	}
	search := m.Request.(*wire.SearchRequest)
	search.TypesOnly = true
	m.Request = search
	want := wire.AppendEntry(nil, 2, "", []wire.Attribute{{Name: "objectClass"}})
	want = wire.AppendResult(want, 2, wire.OpSearchDone, wire.Result{})
	if got := w.session.handle(t.Context(), request{Message: m}, nil, nil); !bytes.Equal(got.out, want) {
		t.Errorf("answered with %q, want %q", got.out, want)
	}
}

// TestRefusalsAreTheSameToTheLastByte: what an account is plays no part in the
// words of a refusal.
func TestRefusalsAreTheSameToTheLastByte(t *testing.T) {
	want := bindAnswer(1, wire.InvalidCredentials)
	for _, reason := range []policy.Reason{
		policy.ReasonUnknownAccount, policy.ReasonWrongSecret, policy.ReasonPrimaryWithMFA, policy.ReasonRevoked,
		policy.ReasonCredentialEnded, policy.ReasonOtherService, policy.ReasonOtherNetwork, policy.ReasonAccountDisabled,
	} {
		w := newWorld(t)
		w.decide = func(policy.Attempt) policy.Decision {
			return policy.Decision{Outcome: policy.Reject, Reason: reason, Login: "ann"}
		}
		w.expect(t, bindMessage(1, annName, "x"), want)
	}
}
