package radiussrv_test

import (
	"context"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"postern/policy"
	"postern/radiussrv"
	"postern/secret"
)

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func itoa(n int) string            { return strconv.Itoa(n) }

func set(r *rig, clients ...radiussrv.Client) {
	r.t.Helper()
	if err := r.SetClients(clients); err != nil {
		r.t.Fatal(err)
	}
}

func TestClientsThatCannotBeServedSafelyAreRefusedAllAtOnce(t *testing.T) {
	with := func(edit func(*radiussrv.Client)) radiussrv.Client {
		c := loopback("client")
		edit(&c)
		return c
	}
	for want, clients := range map[string][]radiussrv.Client{
		"needs a name":              {with(func(c *radiussrv.Client) { c.Name = "" })},
		"needs an address":          {with(func(c *radiussrv.Client) { c.Address = netip.Prefix{} })},
		"shorter than 16":           {with(func(c *radiussrv.Client) { c.Secret = secret.NewText("fifteen letters") })},
		"allows no method":          {with(func(c *radiussrv.Client) { c.Methods = nil })},
		`"leap" is not a method`:    {with(func(c *radiussrv.Client) { c.Methods = []radiussrv.Method{"leap"} })},
		"two RADIUS clients":        {loopback("client"), with(func(c *radiussrv.Client) { c.Address = prefix("192.0.2.1/32") })},
		"have the same address 127": {loopback("a"), with(func(c *radiussrv.Client) { c.Address = prefix("127.1.2.3/8") })},
		"the same address 127.0.0.0/8": {loopback("a"),
			with(func(c *radiussrv.Client) { c.Address = prefix("::ffff:127.0.0.0/104") })},
	} {
		cfg := radiussrv.Config{Authenticator: authenticate(oneRight), Clients: clients}
		if _, err := radiussrv.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New said %v, want something with %q", err, want)
		}
	}
	short := loopback("short")
	short.Secret = secret.NewText("too short")
	nameless := loopback("")
	_, err := radiussrv.New(radiussrv.Config{Authenticator: authenticate(oneRight), Clients: []radiussrv.Client{short, nameless}})
	if err == nil || strings.Contains(err.Error(), "too short") || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two faults gave %q, want a line for each and no secret", err)
	}
}

func TestNewNeedsAnAuthenticator(t *testing.T) {
	if _, err := radiussrv.New(radiussrv.Config{}); err == nil {
		t.Error("a server that cannot decide was made")
	}
}

func TestARefusedReloadChangesNothing(t *testing.T) {
	bubble(t, radiussrv.Authentication, radiussrv.Config{}, func(r *rig) {
		bad := loopback("bad")
		bad.Secret = secret.NewText("short")
		moved := loopback("moved")
		moved.Address = prefix("192.0.2.0/24")
		if err := r.SetClients([]radiussrv.Client{moved, bad}); err == nil {
			t.Fatal("a bad client was taken")
		}
		r.ask(good(t))
		r.sendFrom("192.0.2.1:1000", good(t))
		r.silent()
		r.dropped(radiussrv.DropUnknownClient, 1)
	})
}

func TestTheLongestPrefixNamesTheClient(t *testing.T) {
	names := make(chan string, 1)
	tell := authenticate(func(_ context.Context, a policy.Attempt) policy.Decision {
		names <- a.Client.Name
		return policy.Decision{}
	})
	var clients []radiussrv.Client
	for _, p := range []string{"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "::/0", "2001:db8::/32", "2001:db8::7/128"} {
		c := loopback(p)
		c.Address = prefix(p)
		clients = append(clients, c)
	}
	bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: tell, Clients: clients}, func(r *rig) {
		names = make(chan string, 1)
		for peer, want := range map[string]string{
			"192.0.2.1:1000":           "0.0.0.0/0",
			"10.9.9.9:1000":            "10.0.0.0/8",
			"10.1.9.9:1000":            "10.1.0.0/16",
			"10.1.2.3:1000":            "10.1.2.3/32",
			"[::ffff:10.1.2.3]:1000":   "10.1.2.3/32",
			"[2001:db9::1]:1000":       "::/0",
			"[2001:db8::1]:1000":       "2001:db8::/32",
			"[2001:db8::7]:1000":       "2001:db8::7/128",
			"[fe80::1%eth0]:1000":      "::/0",
			"[::ffff:192.0.2.77]:1000": "0.0.0.0/0",
		} {
			r.sendFrom(peer, good(t))
			if got := <-names; got != want {
				t.Errorf("%s is client %s, want %s", peer, got, want)
			}
		}
	})
}

func TestARequestUnderWayIsAnsweredUnderTheClientItCameFrom(t *testing.T) {
	bubble(t, radiussrv.Authentication, radiussrv.Config{RejectDelay: 1e9}, func(r *rig) {
		raw := request(t, "ann", "wrong")
		r.send(raw)
		changed := loopback("loopback")
		changed.Secret = secret.NewText("another secret entirely")
		set(r, changed)
		sleep(1e9)
		got := r.replies()
		if len(got) != 1 {
			t.Fatalf("%d replies, want one", len(got))
		}
		r.verify(raw, got[0].raw)
	})
}

func TestTheAttemptSaysWhatTheRequestSaid(t *testing.T) {
	var got policy.Attempt
	tell := authenticate(func(_ context.Context, a policy.Attempt) policy.Decision {
		got = a
		return policy.Decision{Outcome: policy.Accept}
	})
	asking := lenient(func(c *radiussrv.Client) { c.OTPChallenge = true })
	for name, c := range map[string]struct {
		clients []radiussrv.Client
		raw     []byte
		want    policy.Client
		secure  bool
	}{
		"signed": {nil, good(t, add(rfc2865.CallingStationID_Type, []byte("aa-bb\x00\n\x1b[31m-cc\xff")...)),
			policy.Client{Protocol: policy.RADIUS, Name: "loopback", Method: "pap", Reported: "aa-bb[31m-cc"}, true},
		"unsigned, can ask for a code": {asking, good(t, unsigned),
			policy.Client{Kind: policy.LegacyOTP, Protocol: policy.RADIUS, Name: "lenient", Method: "pap"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: tell, Clients: c.clients}, func(r *rig) {
				at := now()
				r.ask(c.raw)
				if got.Client != c.want {
					t.Errorf("client %+v, want %+v", got.Client, c.want)
				}
				if got.Login != "ann" || got.Secret.Reveal() != "open sesame" || got.Remote.String() != nas || got.Secure != c.secure || !got.At.Equal(at) {
					t.Errorf("attempt %+v at %v", got, at)
				}
			})
		})
	}
}

func TestThePasswordIsTakenWholeOrNotAtAll(t *testing.T) {
	long := strings.Repeat("x", 127)
	for name, c := range map[string]struct{ sent, want string }{
		"short":                {"a", "a"},
		"exactly a block":      {"sixteen letters!", "sixteen letters!"},
		"a block and a letter": {"seventeen letters", "seventeen letters"},
		"the longest":          {long + "y", long + "y"},
		"padded to 128":        {"abc" + strings.Repeat("\x00", 125), "abc"},
		"empty":                {"", ""},
		"behind a NUL":         {"open sesame\x00x", ""},
		"NUL first":            {"\x00open sesame", ""},
		"bytes, not text":      {"\xff\xfe\x01", "\xff\xfe\x01"},
	} {
		t.Run(name, func(t *testing.T) {
			var got policy.Attempt
			tell := authenticate(func(_ context.Context, a policy.Attempt) policy.Decision {
				got = a
				return policy.Decision{}
			})
			bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: tell}, func(r *rig) {
				r.ask(hiding(t, c.sent))
				if got.Login != "ann" || got.Secret.Reveal() != c.want {
					t.Errorf("the policy was shown %q, want %q", got.Secret.Reveal(), c.want)
				}
			})
		})
	}
}

// hiding is a request whose password may hold NUL octets.
func hiding(t testing.TB, password string) []byte {
	p := radius.New(radius.CodeAccessRequest, []byte(sharedSecret))
	p.Add(80, make([]byte, 16))
	p.Add(rfc2865.UserName_Type, []byte("ann"))
	hidden, err := radius.NewUserPassword([]byte(password), p.Secret, p.Authenticator[:])
	if err != nil {
		t.Fatal(err)
	}
	p.Add(rfc2865.UserPassword_Type, hidden)
	return sign(t, p)
}
