package radiussrv_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2868"

	"postern/policy"
	"postern/radiussrv"
	"postern/radiussrv/attribute"
)

// groups is a radiussrv.Groups of one function.
type groups func(accountID string) ([]string, error)

func (f groups) GroupsOf(_ context.Context, accountID string) ([]string, error) { return f(accountID) }

func attributes(t testing.TB, list ...string) (out []attribute.Attribute) {
	t.Helper()
	for _, s := range list {
		a, err := attribute.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, a)
	}
	return out
}

func vlan(t testing.TB, number string) []attribute.Attribute {
	return attributes(t, "Tunnel-Type:1=VLAN", "Tunnel-Medium-Type:1=IEEE-802", "Tunnel-Private-Group-ID:1="+number)
}

// accepting accepts everything as what d says.
func accepting(d policy.Decision) authenticate {
	d.Outcome = policy.Accept
	return func(context.Context, policy.Attempt) policy.Decision { return d }
}

// TestAGroupIsPutIntoItsVLAN decodes a captured Access-Accept with the codec's
// own readers of tunnel attributes (RFC 2868, RFC 3580 §3.31).
func TestAGroupIsPutIntoItsVLAN(t *testing.T) {
	cfg := radiussrv.Config{
		Authenticator: accepting(policy.Decision{Account: "ann's"}),
		Replies:       []radiussrv.Reply{{Group: "guests", Attributes: vlan(t, "99")}, {Group: "staff", Attributes: vlan(t, "20")}},
		Groups:        groups(func(string) ([]string, error) { return []string{"all", "staff"}, nil }),
	}
	s := start(t, radiussrv.Authentication, cfg)
	p := s.device(t).ask(request(t, "ann", "open sesame")) // which checks that attribute 80 is at octet 20
	if p.Code != radius.CodeAccessAccept {
		t.Fatalf("got %v", p.Code)
	}
	tag, group := rfc2868.TunnelPrivateGroupID_GetString(p)
	if tag != 1 || group != "20" {
		t.Errorf("Tunnel-Private-Group-ID is %q with tag %d, want 20 with 1", group, tag)
	}
	if tag, kind := rfc2868.TunnelType_Get(p); tag != 1 || kind != 13 {
		t.Errorf("Tunnel-Type is %d with tag %d, want 13 with 1", kind, tag)
	}
	if tag, medium := rfc2868.TunnelMediumType_Get(p); tag != 1 || medium != 6 {
		t.Errorf("Tunnel-Medium-Type is %d with tag %d, want 6 with 1", medium, tag)
	}
	if len(p.Attributes) != 4 {
		t.Errorf("%d attributes, want the signature and three", len(p.Attributes))
	}
}

// shownAttributes are those of p but for the signature, in hex.
func shownAttributes(p *radius.Packet) (list []string) {
	for _, a := range p.Attributes[1:] {
		list = append(list, itoa(int(a.Type))+":"+hex.EncodeToString(a.Attribute))
	}
	return list
}

func TestAReplyIsAddedWhereAllOfItsConditionsHold(t *testing.T) {
	filter := func(name string) []attribute.Attribute { return attributes(t, "Filter-Id="+name) }
	for name, c := range map[string]struct {
		rules []radiussrv.Reply
		want  []string
	}{
		"none":                     {nil, nil},
		"without conditions":       {[]radiussrv.Reply{{Attributes: filter("a")}}, []string{"11:61"}},
		"service":                  {[]radiussrv.Reply{{Service: "vpn", Attributes: filter("a")}}, []string{"11:61"}},
		"another service":          {[]radiussrv.Reply{{Service: "wifi", Attributes: filter("a")}}, nil},
		"client":                   {[]radiussrv.Reply{{Client: "loopback", Attributes: filter("a")}}, []string{"11:61"}},
		"another client":           {[]radiussrv.Reply{{Client: "gate", Attributes: filter("a")}}, nil},
		"app password":             {[]radiussrv.Reply{{AppPassword: "c", Attributes: filter("a")}}, []string{"11:61"}},
		"another app password":     {[]radiussrv.Reply{{AppPassword: "d", Attributes: filter("a")}}, nil},
		"group":                    {[]radiussrv.Reply{{Group: "staff", Attributes: filter("a")}}, []string{"11:61"}},
		"another group":            {[]radiussrv.Reply{{Group: "guests", Attributes: filter("a")}}, nil},
		"all of several":           {[]radiussrv.Reply{{Group: "staff", Service: "vpn", Client: "loopback", AppPassword: "c", Attributes: filter("a")}}, []string{"11:61"}},
		"all but one of several":   {[]radiussrv.Reply{{Group: "staff", Service: "wifi", Attributes: filter("a")}}, nil},
		"the first counts":         {[]radiussrv.Reply{{Service: "vpn", Attributes: filter("a")}, {Attributes: filter("b")}}, []string{"11:61"}},
		"different ones add up":    {[]radiussrv.Reply{{Attributes: filter("a")}, {Attributes: attributes(t, "Class=b")}}, []string{"11:61", "25:62"}},
		"one rule repeats itself":  {[]radiussrv.Reply{{Attributes: append(filter("a"), filter("b")...)}}, []string{"11:61", "11:62"}},
		"tags are told apart":      {[]radiussrv.Reply{{Attributes: attributes(t, "Tunnel-Preference:1=1", "Tunnel-Preference:2=2")}}, []string{"83:01000001", "83:02000002"}},
		"first that holds, counts": {[]radiussrv.Reply{{Group: "guests", Attributes: filter("a")}, {Attributes: filter("b")}}, []string{"11:62"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := radiussrv.Config{
				Authenticator: accepting(policy.Decision{Account: "a", Service: "vpn", Credential: "c"}), Replies: c.rules,
				Groups: groups(func(string) ([]string, error) { return []string{"staff"}, nil }),
			}
			bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
				if got := shownAttributes(r.ask(good(t))); !slices.Equal(got, c.want) {
					t.Errorf("%v, want %v", got, c.want)
				}
			})
		})
	}
}

func TestARefusalCarriesNoneOfIt(t *testing.T) {
	cfg := radiussrv.Config{
		Authenticator: authenticate(oneRight), Replies: []radiussrv.Reply{{Attributes: vlan(t, "20")}}, Grants: newEngine(t), Classes: true,
	}
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		if p := r.ask(request(t, "ann", "wrong")); p.Code != radius.CodeAccessReject || len(p.Attributes) != 1 {
			t.Errorf("%v with %d attributes", p.Code, len(p.Attributes))
		}
	})
}

func TestGroupsAreAskedForOnlyWhereOneCouldMatter(t *testing.T) {
	asked := 0
	cfg := radiussrv.Config{
		Authenticator: accepting(policy.Decision{Account: "a", Service: "vpn"}),
		Groups:        groups(func(string) ([]string, error) { asked++; return nil, nil }),
	}
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		for want, rules := range [][]radiussrv.Reply{
			{{Attributes: vlan(t, "1")}, {Group: "staff", Service: "wifi", Attributes: vlan(t, "2")}},
			{{Group: "staff", Attributes: vlan(t, "1")}, {Group: "guests", Attributes: vlan(t, "2")}},
		} {
			asked = 0
			r.SetReplies(rules)
			r.ask(request(t, "ann", "open sesame"))
			if asked != want {
				t.Errorf("rules %d: asked %d times", want, asked)
			}
		}
	})
}

func TestWhatCannotBePutTogetherIsNoAccept(t *testing.T) {
	many := make([]string, 30)
	for i := range many {
		many[i] = "Filter-Id=" + strings.Repeat("x", 250)
	}
	broken := groups(func(string) ([]string, error) { return nil, errors.New("the database is gone") })
	for name, cfg := range map[string]radiussrv.Config{
		"groups that are not known":        {Groups: broken, Replies: []radiussrv.Reply{{Group: "staff", Attributes: vlan(t, "20")}}},
		"groups and nobody who knows them": {Replies: []radiussrv.Reply{{Group: "staff", Attributes: vlan(t, "20")}}},
		"more than fits a packet":          {Replies: []radiussrv.Reply{{Attributes: attributes(t, many...)}}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Authenticator = accepting(policy.Decision{Account: "a"})
			bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
				r.send(good(t))
				r.silent()
			})
		})
	}
}

func TestASessionEndsNoLaterThanWhatItWasGrantedFor(t *testing.T) {
	for name, c := range map[string]struct {
		in    time.Duration // 0: never
		rules []string
		want  uint32 // 0: no Session-Timeout
	}{
		"never, nothing set":         {0, nil, 0},
		"never, something set":       {0, []string{"Session-Timeout=600"}, 600},
		"later than what is set":     {time.Hour, []string{"Session-Timeout=600"}, 600},
		"sooner than what is set":    {time.Minute, []string{"Session-Timeout=600"}, 60},
		"nothing set":                {time.Hour, nil, 3600},
		"in less than a second":      {time.Millisecond, nil, 1},
		"in more than a field holds": {200 * 365 * 24 * time.Hour, nil, 1 << 31},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := radiussrv.Config{Replies: []radiussrv.Reply{{Attributes: attributes(t, c.rules...)}}}
			cfg.Authenticator = authenticate(func(_ context.Context, a policy.Attempt) policy.Decision {
				d := policy.Decision{Outcome: policy.Accept}
				if c.in > 0 {
					d.Ends = a.At.Add(c.in)
				}
				return d
			})
			bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
				p := r.ask(good(t))
				if got := rfc2865.SessionTimeout_Get(p); uint32(got) != c.want || len(p.Attributes) > 2 {
					t.Errorf("Session-Timeout %d in %d attributes, want %d", got, len(p.Attributes), c.want)
				}
			})
		})
	}
}

// TestAClassSaysWhatASessionRestsOnAndNobodyCanMakeAnother: nor does one that
// is written otherwise say the same.
func TestAClassSaysWhatASessionRestsOnAndNobodyCanMakeAnother(t *testing.T) {
	e := newEngine(t)
	cfg := radiussrv.Config{Authenticator: e, Grants: e, Classes: true}
	var class []byte
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) { class = r.ask(request(t, "bob", bobPassword)).Get(rfc2865.Class_Type) })
	if len(class) == 0 || len(class) > 253 || bytes.ContainsFunc(class, func(r rune) bool { return r <= ' ' || r > '~' || r == ';' }) {
		t.Fatalf("the Class is %q", class)
	}
	brought := func(values ...[]byte) (string, policy.Grant, bool) {
		r := radiussrv.AccountingRequest{Client: "loopback"}
		for _, v := range values {
			r.Attributes.Add(rfc2865.Class_Type, v)
		}
		return r.Class(e)
	}
	kept, granted, ok := brought([]byte("staff"), class)
	if account, credential := granted.Holder(); !ok || kept != string(class) || account != bobID || credential != "" {
		t.Errorf("%q means %q, %q, %v", class, account, credential, ok)
	}
	if ok, err := e.Entitled(t.Context(), granted); !ok || err != nil {
		t.Errorf("what was just granted does not stand: %v, %v", ok, err)
	}
	for at := range class {
		for bit := range 8 {
			forged := bytes.Clone(class)
			forged[at] ^= 1 << bit
			if _, _, ok := brought(forged); ok {
				t.Errorf("octet %d is %q instead of %q, and it means something", at, forged[at], class[at])
			}
		}
	}
	for _, other := range []string{"", "postern1", "postern1.", "postern1.AAAA", string(class) + "=", string(class[:len(class)-1])} {
		if _, _, ok := brought([]byte(other)); ok {
			t.Errorf("%q means something", other)
		}
	}
}
