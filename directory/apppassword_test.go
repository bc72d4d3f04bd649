package directory

import (
	"net/netip"
	"testing"
	"time"
)

func TestHowAnAppPasswordStands(t *testing.T) {
	made := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for _, c := range []struct {
		name   string
		p      AppPassword
		now    time.Time
		unused time.Duration
		want   AppPasswordState
	}{
		{"as it was made", AppPassword{}, made.Add(1000 * day), 0, AppPasswordLive},
		{"a moment before its end", AppPassword{ExpiresAt: made.Add(day)}, made.Add(day - 1), 0, AppPasswordLive},
		{"at its end", AppPassword{ExpiresAt: made.Add(day)}, made.Add(day), 0, AppPasswordExpired},
		{"revoked", AppPassword{RevokedAt: made}, made, 0, AppPasswordRevoked},
		{"revoked and past its end", AppPassword{RevokedAt: made, ExpiresAt: made}, made, 0, AppPasswordRevoked},
		{"never used, a moment before", AppPassword{}, made.Add(30*day - 1), 30 * day, AppPasswordLive},
		{"never used", AppPassword{}, made.Add(30 * day), 30 * day, AppPasswordUnused},
		{"used lately", AppPassword{LastUsedAt: made.Add(29 * day)}, made.Add(30 * day), 30 * day, AppPasswordLive},
		{"used long ago", AppPassword{LastUsedAt: made.Add(day)}, made.Add(31 * day), 30 * day, AppPasswordUnused},
		{"a clock that was wrong when it was used", AppPassword{LastUsedAt: made.Add(-9 * day)}, made.Add(29 * day), 30 * day, AppPasswordLive},
	} {
		c.p.CreatedAt = made
		if got := c.p.State(c.now, c.unused); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if AppPasswordState(0) == AppPasswordLive {
		t.Error("the zero state is live")
	}
}

func TestWhatAnAppPasswordIsFor(t *testing.T) {
	for _, c := range []struct {
		services []string
		name     string
		want     bool
	}{
		{nil, "mail", false},
		{[]string{"mail"}, "mail", true},
		{[]string{"mail", "vpn"}, "vpn", true},
		{[]string{"mail"}, "vpn", false},
		{[]string{"mail"}, "mai", false},
		{[]string{"mail"}, DefaultService, false},
		{[]string{AnyService}, "mail", true},
		{[]string{AnyService}, DefaultService, true},
	} {
		if got := (AppPassword{Services: c.services}).ForService(c.name); got != c.want {
			t.Errorf("%v for %q: %v", c.services, c.name, got)
		}
	}
}

func TestWhereAnAppPasswordMayBeUsed(t *testing.T) {
	networks := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28"), netip.MustParsePrefix("2001:db8::/32")}
	for from, want := range map[string]bool{
		"192.0.2.1": true, "192.0.2.15": true, "192.0.2.16": false, "::ffff:192.0.2.1": true,
		"2001:db8::1": true, "2001:db9::1": false, "127.0.0.1": false,
	} {
		if got := (AppPassword{Networks: networks}).FromNetwork(netip.MustParseAddr(from)); got != want {
			t.Errorf("%s: %v, want %v", from, got, want)
		}
		if !(AppPassword{}).FromNetwork(netip.MustParseAddr(from)) {
			t.Errorf("%s: refused without a network to refuse it for", from)
		}
	}
	if (AppPassword{Networks: networks}).FromNetwork(netip.Addr{}) {
		t.Error("an address that is not known is within a network")
	}
}

func TestWhenAnAccountEnds(t *testing.T) {
	end := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		ends, now time.Time
		want      bool
	}{
		{time.Time{}, end, false},
		{end, end.Add(-1), false},
		{end, end, true},
		{end, end.Add(time.Hour), true},
	} {
		if got := (Account{ExpiresAt: c.ends}).Expired(c.now); got != c.want {
			t.Errorf("ends %v, now %v: %v", c.ends, c.now, got)
		}
	}
}
