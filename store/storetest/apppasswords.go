package storetest

import (
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
	"postern/store"
)

// find looks an app password up as the engine does, and returns all that is
// kept of it.
func find(t testing.TB, s *store.Store, d secret.Digest, typed string) policy.Holding {
	t.Helper()
	h, err := s.AppPassword(t.Context(), []secret.Digest{d}, named(typed))
	must(t, err)
	all, err := s.Holdings(t.Context(), h.Holder.Account.ID)
	must(t, err)
	i := slices.IndexFunc(all, func(held policy.Holding) bool { return held.Credential.ID == h.Credential.ID })
	if i < 0 {
		t.Fatalf("%s is found by its digest and not by its account", h.Credential.ID)
	}
	all[i].Named = h.Named
	if want := decidedBy(all[i]); !reflect.DeepEqual(h, want) {
		t.Errorf("found by its digest is %+v, want %+v", h, want)
	}
	return all[i]
}

// decidedBy is what of h an attempt is decided by.
func decidedBy(h policy.Holding) policy.Holding {
	a := h.Holder.Account
	h.Holder = policy.Holder{Account: directory.Account{ID: a.ID, Kind: a.Kind, Login: a.Login, Disabled: a.Disabled, ExpiresAt: a.ExpiresAt}}
	h.Sealed, h.SealedClear = nil, nil
	c := &h.Credential
	c.Label, c.Challenge, c.LastUsedFrom, c.LastUsedService = "", 0, "", ""
	return h
}

// full is a holding with every field set that is stored.
func full(t testing.TB, accountID string) policy.Holding {
	t.Helper()
	h := holding(t, accountID, digest(7))
	h.RowMAC = secret.MAC(digest(8))
	h.Sealed, h.SealedClear = []byte{1, 0, 2}, []byte{3}
	c := &h.Credential
	c.Kind, c.Challenge = directory.KindCertificate, directory.ChallengeCHAP
	c.Services = []string{"mail", "vpn"}
	c.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	c.ExpiresAt = now.Add(time.Hour)
	return h
}

var appPasswordTests = map[string]func(*testing.T, *store.Store){
	"it comes back as it was issued, with its account": func(t *testing.T, s *store.Store) {
		added := holderOf(t, "ann", "ann@example.org")
		added.MFADemanded, added.Account.Disabled, added.Account.UIDNumber = true, true, 12
		must(t, s.AddAccount(t.Context(), added, event(t, directory.EventAccountAdded)))
		want := issue(t, s, full(t, added.Account.ID))
		want.Holder, want.Named = policy.Holder{Account: added.Account, MFADemanded: true}, true
		got, err := s.AppPassword(t.Context(), []secret.Digest{digest(9), digest(7)}, named("ann"))
		must(t, err)
		if !reflect.DeepEqual(got, decidedBy(want)) {
			t.Errorf("it is decided by %+v, want %+v", got, decidedBy(want))
		}
		if got := find(t, s, digest(7), "ann"); !reflect.DeepEqual(got, want) {
			t.Errorf("holding is %+v, want %+v", got, want)
		}
	},
	"a digest nobody has is not found": func(t *testing.T, s *store.Store) {
		issue(t, s, holding(t, person(t, s, "ann", "").ID, digest(1)))
		for _, digests := range [][]secret.Digest{nil, {}, {digest(2)}, {digest(2), digest(3)}, {{}}} {
			_, err := s.AppPassword(t.Context(), digests, named("ann"))
			wantError(t, err, directory.ErrNotFound)
		}
	},
	"one secret belongs to one account": func(t *testing.T, s *store.Store) {
		ann, bob := person(t, s, "ann", ""), person(t, s, "bob", "")
		issue(t, s, holding(t, ann.ID, digest(1)))
		err := s.IssueAppPassword(t.Context(), holding(t, bob.ID, digest(1)), policy.Limit{}, event(t, directory.EventAppPasswordIssued))
		wantError(t, err, directory.ErrConflict)
		err = s.IssueAppPassword(t.Context(), holding(t, newID(t), digest(2)), policy.Limit{}, event(t, directory.EventAppPasswordIssued))
		wantError(t, err, directory.ErrNotFound)
	},
	"what could widen a limit by its spelling is refused": func(t *testing.T, s *store.Store) {
		ann := person(t, s, "ann", "")
		for _, services := range [][]string{{"mail,any"}, {""}, {"mail", ""}} {
			h := holding(t, ann.ID, digest(1))
			h.Credential.Services = services
			if err := s.IssueAppPassword(t.Context(), h, policy.Limit{}, event(t, directory.EventAppPasswordIssued)); err == nil {
				t.Errorf("services %q were kept", services)
			}
		}
		h := holding(t, ann.ID, digest(1))
		h.Credential.Networks = make([]netip.Prefix, 1)
		if err := s.IssueAppPassword(t.Context(), h, policy.Limit{}, event(t, directory.EventAppPasswordIssued)); err == nil {
			t.Error("a network that is none was kept")
		}
		h.Credential.Networks, h.Credential.Services = nil, nil
		issue(t, s, h)
		if got := find(t, s, digest(1), "ann").Credential; len(got.Services) > 0 {
			t.Errorf("one without a service came back for %v", got.Services)
		}
	},
	"revoking ends one or all, once, and of that account only": func(t *testing.T, s *store.Store) {
		ann, bob := person(t, s, "ann", ""), person(t, s, "bob", "")
		one, two := issue(t, s, holding(t, ann.ID, digest(1))), issue(t, s, holding(t, ann.ID, digest(2)))
		other := issue(t, s, holding(t, bob.ID, digest(3)))
		revoke := func(accountID, id string) (n int, recorded bool) {
			before := version(t, s)
			n, err := s.RevokeAppPasswords(t.Context(), accountID, id, event(t, directory.EventAppPasswordEnded))
			must(t, err)
			return n, version(t, s) > before
		}
		for i, c := range []struct {
			id       string
			n        int
			recorded bool
		}{{one.Credential.ID, 1, true}, {one.Credential.ID, 0, false}, {"", 1, true}, {"", 0, false}, {two.Credential.ID, 0, false}} {
			if n, recorded := revoke(ann.ID, c.id); n != c.n || recorded != c.recorded {
				t.Errorf("step %d: %d revoked, recorded %v, want %d and %v", i, n, recorded, c.n, c.recorded)
			}
		}
		if p := find(t, s, digest(2), "ann").Credential; !p.RevokedAt.Equal(now) {
			t.Errorf("revoked at %v, want %v", p.RevokedAt, now)
		}
		_, err := s.RevokeAppPasswords(t.Context(), ann.ID, other.Credential.ID, event(t, directory.EventAppPasswordEnded))
		wantError(t, err, directory.ErrNotFound)
		_, err = s.RevokeAppPasswords(t.Context(), newID(t), "", event(t, directory.EventAppPasswordEnded))
		wantError(t, err, directory.ErrNotFound)
		if p := find(t, s, digest(3), "bob").Credential; !p.RevokedAt.IsZero() {
			t.Error("somebody else's app password was revoked")
		}
	},
	"a service account's new secret ends the old one": func(t *testing.T, s *store.Store) {
		ann := person(t, s, "ann", "")
		issue(t, s, holding(t, ann.ID, digest(1)))
		must(t, s.ReplaceAppPassword(t.Context(), holding(t, ann.ID, digest(2)), event(t, directory.EventAppPasswordIssued)))
		if find(t, s, digest(1), "ann").Credential.RevokedAt.IsZero() || !find(t, s, digest(2), "ann").Credential.RevokedAt.IsZero() {
			t.Error("not the old one, and it alone, was revoked")
		}
		err := s.ReplaceAppPassword(t.Context(), holding(t, ann.ID, digest(1)), event(t, directory.EventAppPasswordIssued))
		wantError(t, err, directory.ErrConflict)
		if !find(t, s, digest(2), "ann").Credential.RevokedAt.IsZero() {
			t.Error("the secret was revoked although it was not replaced")
		}
	},
	"the limit counts live ones only": func(t *testing.T, s *store.Store) {
		ann, bob := person(t, s, "ann", ""), person(t, s, "bob", "")
		limit := policy.Limit{Max: 2, UnusedAfter: 24 * time.Hour}
		next := byte(0)
		add := func(accountID string, edit func(*directory.AppPassword)) (policy.Holding, error) {
			next++
			h := holding(t, accountID, digest(next))
			edit(&h.Credential)
			return h, s.IssueAppPassword(t.Context(), h, limit, event(t, directory.EventAppPasswordIssued))
		}
		plain := func(*directory.AppPassword) {}
		_, err := add(bob.ID, plain)
		must(t, err)
		_, err = add(ann.ID, func(p *directory.AppPassword) { p.ExpiresAt = now })
		must(t, err)
		_, err = add(ann.ID, func(p *directory.AppPassword) { p.CreatedAt = now.Add(-24 * time.Hour) })
		must(t, err)
		_, err = add(ann.ID, func(p *directory.AppPassword) { p.Kind = directory.KindCertificate })
		must(t, err)
		first, err := add(ann.ID, plain)
		must(t, err)
		_, err = add(ann.ID, plain)
		must(t, err)
		_, err = add(ann.ID, plain)
		wantError(t, err, directory.ErrLimit)
		_, err = s.RevokeAppPasswords(t.Context(), ann.ID, first.Credential.ID, event(t, directory.EventAppPasswordEnded))
		must(t, err)
		_, err = add(ann.ID, plain)
		must(t, err)
	},
	"the limit holds for many at once": func(t *testing.T, s *store.Store) {
		ann := person(t, s, "ann", "")
		var issued, refused atomic.Int64
		var all sync.WaitGroup
		for i := range 20 {
			h, ev := holding(t, ann.ID, digest(byte(i+1))), event(t, directory.EventAppPasswordIssued)
			all.Go(func() {
				err := s.IssueAppPassword(t.Context(), h, policy.Limit{Max: 5}, ev)
				if err == nil {
					issued.Add(1)
					return
				}
				wantError(t, err, directory.ErrLimit)
				refused.Add(1)
			})
		}
		all.Wait()
		if issued.Load() != 5 || refused.Load() != 15 {
			t.Errorf("%d were issued and %d refused, want 5 and 15", issued.Load(), refused.Load())
		}
	},
	"a list is newest first and holds ended ones too": func(t *testing.T, s *store.Store) {
		ann := person(t, s, "ann", "")
		old, young := holding(t, ann.ID, digest(1)), full(t, ann.ID)
		old.Credential.CreatedAt = now.Add(-time.Hour)
		issue(t, s, old)
		issue(t, s, young)
		_, err := s.RevokeAppPasswords(t.Context(), ann.ID, old.Credential.ID, event(t, directory.EventAppPasswordEnded))
		must(t, err)
		must(t, s.RenameAppPassword(t.Context(), ann.ID, old.Credential.ID, "tablet", event(t, directory.EventAccountChanged)))
		wantError(t, s.RenameAppPassword(t.Context(), newID(t), old.Credential.ID, "x", event(t, directory.EventAccountChanged)), directory.ErrNotFound)
		old.Credential.RevokedAt, old.Credential.Label = now, "tablet"
		got, err := s.AppPasswords(t.Context(), ann.ID)
		must(t, err)
		if want := []directory.AppPassword{young.Credential, old.Credential}; !reflect.DeepEqual(got, want) {
			t.Errorf("list is %+v, want %+v", got, want)
		}
	},
	"ended ones are among the account's credentials, others' are not": func(t *testing.T, s *store.Store) {
		ann, bob := person(t, s, "ann", ""), person(t, s, "bob", "")
		ended, live := issue(t, s, holding(t, ann.ID, digest(1))), issue(t, s, holding(t, ann.ID, digest(2)))
		issue(t, s, holding(t, bob.ID, digest(3)))
		_, err := s.RevokeAppPasswords(t.Context(), ann.ID, ended.Credential.ID, event(t, directory.EventAppPasswordEnded))
		must(t, err)
		list, err := s.Holdings(t.Context(), ann.ID)
		must(t, err)
		found := map[string]secret.Digest{}
		for _, h := range list {
			found[h.Credential.ID] = h.Digest
		}
		if len(list) != 2 || found[ended.Credential.ID] != digest(1) || found[live.Credential.ID] != digest(2) {
			t.Errorf("found %d credentials", len(list))
		}
	},
	"challenges are tried against sealed ones, live before expired": func(t *testing.T, s *store.Store) {
		ann := person(t, s, "ann", "")
		issue(t, s, holding(t, ann.ID, digest(1)))
		var want []policy.Holding
		for i, expires := range []time.Time{now.Add(time.Hour), {}, now} {
			h := full(t, ann.ID)
			h.Digest, h.Credential.ExpiresAt = digest(byte(10+i)), expires
			h.Credential.CreatedAt = now.Add(time.Duration(i) * time.Second)
			h = issue(t, s, h)
			h.Holder.Account = held(t, s, ann.ID).Account
			want = append(want, h)
		}
		revoked := full(t, ann.ID)
		revoked.Digest = digest(20)
		issue(t, s, revoked)
		_, err := s.RevokeAppPasswords(t.Context(), ann.ID, revoked.Credential.ID, event(t, directory.EventAppPasswordEnded))
		must(t, err)
		want = []policy.Holding{want[1], want[0], want[2]}
		for limit := range 4 {
			got, err := s.ChallengeHoldings(t.Context(), ann.ID, now, limit)
			must(t, err)
			if len(got) != limit || limit > 0 && !reflect.DeepEqual(got, want[:limit]) {
				t.Errorf("the first %d are %+v, want %+v", limit, got, want[:limit])
			}
		}
	},
	"last use moves forward, and is no change": func(t *testing.T, s *store.Store) {
		h := issue(t, s, holding(t, person(t, s, "ann", "").ID, digest(1)))
		before := version(t, s)
		late, early := now.Add(2*time.Hour), now.Add(time.Hour)
		must(t, s.TouchAppPasswords(t.Context(), []policy.Use{
			{Credential: h.Credential.ID, At: late, From: "192.0.2.1", Service: "mail"},
			{Credential: newID(t), At: late}, // of an account that was deleted meanwhile
		}))
		must(t, s.TouchAppPasswords(t.Context(), []policy.Use{{Credential: h.Credential.ID, At: early, From: "192.0.2.2", Service: "vpn"}}))
		must(t, s.TouchAppPasswords(t.Context(), nil))
		p := find(t, s, digest(1), "ann").Credential
		if !p.LastUsedAt.Equal(late) || p.LastUsedFrom != "192.0.2.1" || p.LastUsedService != "mail" {
			t.Errorf("last used at %v from %s for %s", p.LastUsedAt, p.LastUsedFrom, p.LastUsedService)
		}
		if v := version(t, s); v != before {
			t.Errorf("the version moved from %d to %d", before, v)
		}
	},
}
