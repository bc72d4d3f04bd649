package store

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/policy/brake"
	"postern/secret"
)

// doorOf asks at the door of one Store, and counts what that costs.
type doorOf struct {
	t *testing.T
	s *Store
}

// ask looks an app password up, holds the answer to what a query finds, and
// says how many statements the lookup ran.
func (d doorOf) ask(typed string, digests ...secret.Digest) (h policy.Holding, statements int) {
	d.t.Helper()
	name := directory.ParseName(typed, directory.AnyName, "example.org")
	before := d.s.StatementsRead()
	h, err := d.s.AppPassword(d.t.Context(), digests, name)
	statements = d.s.StatementsRead() - before
	want, wrong := d.s.readAppPassword(d.t.Context(), digests, name)
	if !errors.Is(err, wrong) && !errors.Is(wrong, directory.ErrNotFound) || (err == nil) != (wrong == nil) {
		d.t.Fatalf("asked for %s: %v, a query gives %v", typed, err, wrong)
	}
	want.Credential.LastUsedAt = h.Credential.LastUsedAt // which may lag
	if !reflect.DeepEqual(h, want) {
		d.t.Fatalf("asked for %s it is %+v, a query gives %+v", typed, h, want)
	}
	return h, statements
}

// costs holds the lookup to a number of statements.
func (d doorOf) costs(statements int, typed string, digests ...secret.Digest) policy.Holding {
	d.t.Helper()
	h, n := d.ask(typed, digests...)
	if n != statements {
		d.t.Errorf("asking for %s ran %d statements, want %d", typed, n, statements)
	}
	return h
}

var doorEvents int

func doorEvent() directory.Event {
	doorEvents++
	return directory.Event{ID: fmt.Sprint("door ", doorEvents), Kind: directory.EventSignIn, At: benchStart}
}

// addDoor adds an account with an app password.
func addDoor(t testing.TB, s *Store, login string, digest secret.Digest) (account, id string) {
	t.Helper()
	account, id = benchID("account "+login, 0), benchID(fmt.Sprintf("app password %x", digest[:]), 0)
	ok(t, s.AddAccount(t.Context(), policy.Holder{Account: directory.Account{ID: account, Login: login, Mail: login + "@example.net"}}, doorEvent()))
	ok(t, s.IssueAppPassword(t.Context(), policy.Holding{Digest: digest, RowMAC: secret.MAC{9}, Credential: directory.AppPassword{
		ID: id, AccountID: account, Services: []string{"mail", "vpn"}, CreatedAt: benchStart, ExpiresAt: benchStart.Add(time.Hour),
		Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}}}, policy.Limit{}, doorEvent()))
	return account, id
}

// stopped is a clock by which nothing ages, however slow the machine.
func stopped() time.Time { return benchStart }

// openDoor opens a database with ann, whose app password has the digest {1}.
func openDoor(t *testing.T) (d doorOf, account, id string) {
	t.Helper()
	d = doorOf{t, openHere(t, Options{Dir: t.TempDir()})}
	d.s.doors.clock = stopped
	account, id = addDoor(t, d.s, "ann", secret.Digest{1})
	return d, account, id
}

// TestAnAppPasswordIsReadAgainAfterAnyChange, once, and not otherwise.
func TestAnAppPasswordIsReadAgainAfterAnyChange(t *testing.T) {
	d, account, id := openDoor(t)
	s, ctx := d.s, t.Context()
	dir := strings.TrimSuffix(s.Path(), "/"+fileName)
	disabled, enabled, mail, later := true, false, "ann@example.org", benchStart.Add(time.Minute)
	d.costs(1, "ann", secret.Digest{1})
	for _, c := range []struct {
		name   string
		change func() error
		is     func(policy.Holding) bool
	}{
		{"disabled", func() error {
			return s.ChangeAccount(ctx, account, policy.AccountChange{Disabled: &disabled}, doorEvent())
		}, func(h policy.Holding) bool { return h.Holder.Account.Disabled }},
		{"enabled", func() error {
			return s.ChangeAccount(ctx, account, policy.AccountChange{Disabled: &enabled}, doorEvent())
		}, func(h policy.Holding) bool { return !h.Holder.Account.Disabled }},
		{"account ends", func() error {
			return s.ChangeAccount(ctx, account, policy.AccountChange{ExpiresAt: &later}, doorEvent())
		}, func(h policy.Holding) bool { return h.Holder.Account.ExpiresAt.Equal(later) }},
		{"another mail address", func() error {
			return s.ChangeAccount(ctx, account, policy.AccountChange{Mail: &mail}, doorEvent())
		}, func(h policy.Holding) bool { return h.Named }},
		{"narrower scope, by other tools", func() error {
			run(t, dir, "UPDATE app_passwords SET services = 'vpn', networks = '192.0.2.1/32'")
			return nil
		}, func(h policy.Holding) bool { return len(h.Credential.Services)+len(h.Credential.Networks) == 2 }},
		{"earlier end, by other tools", func() error { run(t, dir, "UPDATE app_passwords SET expires_at = 1"); return nil },
			func(h policy.Holding) bool { return h.Credential.ExpiresAt.Unix() == 1 }},
		{"another login, by other tools", func() error {
			run(t, dir, "UPDATE accounts SET login = 'Anna', login_key = 'anna' WHERE login = 'ann'")
			return nil
		}, func(h policy.Holding) bool { return !h.Named && h.Holder.Account.Login == "Anna" }},
		{"the old login, by other tools", func() error {
			run(t, dir, "UPDATE accounts SET login = 'ann', login_key = 'ann' WHERE login = 'Anna'")
			return nil
		}, func(h policy.Holding) bool { return h.Named }},
		{"a change of somebody else", func() error { addDoor(t, s, "bob", secret.Digest{2}); return nil },
			func(h policy.Holding) bool { return h.Named }},
		{"a setting", func() error { return s.SetMeta(ctx, "x", "y") }, func(h policy.Holding) bool { return h.Named }},
		{"brakes", func() error {
			return s.SaveBrakes(ctx, []brake.Row{{Key: "x", Account: account, At: benchStart}})
		}, func(h policy.Holding) bool { return h.Named }},
		{"revoked", func() error { _, err := s.RevokeAppPasswords(ctx, account, id, doorEvent()); return err },
			func(h policy.Holding) bool { return !h.Credential.RevokedAt.IsZero() }},
	} {
		ok(t, c.change())
		if h := d.costs(1, "ann", secret.Digest{1}); !c.is(h) {
			t.Errorf("%s: it is %+v", c.name, h)
		}
		again := int(bit(c.name == "another login, by other tools")) // then ann is nobody
		d.costs(again, "ann", secret.Digest{1})
	}
	ok(t, s.DeleteAccount(ctx, account, doorEvent()))
	d.costs(1, "ann", secret.Digest{1})
	d.costs(1, "ann", secret.Digest{1}) // what is not found is not kept
}

// TestEventsAndLastUsesLeaveAnAppPasswordRemembered, also where they make the
// WAL so long that it is filed and begun anew, and where they write nothing.
func TestEventsAndLastUsesLeaveAnAppPasswordRemembered(t *testing.T) {
	d, _, id := openDoor(t)
	d.costs(1, "ann", secret.Digest{1})
	long := doorEvent()
	long.Detail = strings.Repeat("x", walFrames*4096)
	for name, note := range map[string]func() error{
		"no event": func() error { return d.s.AppendEvents(t.Context(), nil) },
		"an event": func() error { return d.s.AppendEvents(t.Context(), []directory.Event{doorEvent()}) },
		"one again": func() error {
			e := doorEvent()
			ok(t, d.s.AppendEvents(t.Context(), []directory.Event{e}))
			_, err := d.s.RecountEvents(t.Context(), []policy.Recount{{Event: e.ID, Count: 2}})
			return err
		},
		"long ones": func() error { return d.s.AppendEvents(t.Context(), []directory.Event{long}) },
		"last uses": func() error {
			return d.s.TouchAppPasswords(t.Context(), []policy.Use{{Credential: id, At: benchStart.Add(time.Minute), From: "192.0.2.1", Service: "mail"}})
		},
		"earlier uses": func() error {
			return d.s.TouchAppPasswords(t.Context(), []policy.Use{{Credential: id, At: benchStart}})
		},
		"uses of what is gone": func() error {
			return d.s.TouchAppPasswords(t.Context(), []policy.Use{{Credential: "x", At: benchStart}})
		},
	} {
		for range 5 {
			ok(t, note())
			d.costs(0, "ann", secret.Digest{1})
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
	if _, err := d.s.RevokeAppPasswords(t.Context(), benchID("account ann", 0), "", doorEvent()); err != nil {
		t.Fatal(err)
	}
	if d.costs(1, "ann", secret.Digest{1}).Credential.RevokedAt.IsZero() {
		t.Error("it is not revoked")
	}
}

// TestAFailedNoteLeavesWhatIsRememberedRight: nothing was committed.
func TestAFailedNoteLeavesWhatIsRememberedRight(t *testing.T) {
	d, _, _ := openDoor(t)
	d.costs(1, "ann", secret.Digest{1})
	if err := d.s.AppendEvents(t.Context(), []directory.Event{doorEvent(), {}}); !errors.Is(err, errNoEvent) {
		t.Fatal(err)
	}
	d.costs(0, "ann", secret.Digest{1})
	ok(t, d.s.SetMeta(t.Context(), "x", "y"))
	d.costs(1, "ann", secret.Digest{1})
	d.costs(0, "ann", secret.Digest{1})
}

// TestAnotherQuestionIsAnotherAnswer: the same digest under another name, and
// under another number of keys.
func TestAnotherQuestionIsAnotherAnswer(t *testing.T) {
	d, _, _ := openDoor(t)
	addDoor(t, d.s, "bob", secret.Digest{2})
	for range 2 {
		for _, typed := range []string{"ann", "bob", "ann@example.net", "ann@example.org", `example\ann`, "", "nobody@example.net", "ann@example.net\x00"} {
			for _, digests := range [][]secret.Digest{{{1}}, {{2}}, {{9}}, {{9}, {1}}, {{1}, {9}}, {{1}, {2}}, {{2}, {1}}, {{1}, {1}}} {
				d.ask(typed, digests...)
			}
		}
	}
}

// TestOnlyWhatWasFoundIsRemembered, and only under the name of its account or
// under none: whoever makes up names or passwords pushes nobody out.
func TestOnlyWhatWasFoundIsRemembered(t *testing.T) {
	d, _, _ := openDoor(t)
	for _, c := range []struct {
		statements int // of the second time
		typed      string
		digest     secret.Digest
	}{
		{0, "ann", secret.Digest{1}}, {0, "ann@example.net", secret.Digest{1}}, {0, "", secret.Digest{1}},
		{1, "ann", secret.Digest{9}}, {1, "her-main-password", secret.Digest{1}}, {1, "bob", secret.Digest{1}}, {1, "ann@example.com", secret.Digest{1}},
	} {
		d.costs(1, c.typed, c.digest)
		d.costs(c.statements, c.typed, c.digest)
	}
}

// TestAnAppPasswordIsRememberedForATime, since it was read, however often it is
// asked for: last use may lag so long. It may lag long only where it was not long
// ago, so that nobody's app password ends for lack of a use that there was.
func TestAnAppPasswordIsRememberedForATime(t *testing.T) {
	for name, c := range map[string]struct {
		sign time.Duration // from the sign of life to the reading
		lags time.Duration
	}{
		"no sign for a year":   {365 * 24 * time.Hour, doorAge},
		"a sign an hour ago":   {time.Hour, doorAge},
		"within the last hour": {time.Hour - time.Second, livelyAge},
		"just now":             {0, livelyAge},
		"by a clock set back":  {-48 * time.Hour, livelyAge},
	} {
		for _, how := range []string{"issued", "used"} {
			t.Run(name+" "+how, func(t *testing.T) {
				d, _, id := openDoor(t)
				now := benchStart.Add(c.sign)
				if how == "used" {
					now = now.Add(time.Minute)
					ok(t, d.s.TouchAppPasswords(t.Context(), []policy.Use{{Credential: id, At: benchStart.Add(time.Minute)}}))
				}
				d.s.doors.clock = func() time.Time { return now }
				d.s.doors.began = now
				last := d.costs(1, "ann", secret.Digest{1}).Credential.LastUsedAt
				used := now.Truncate(time.Second)
				ok(t, d.s.TouchAppPasswords(t.Context(), []policy.Use{{Credential: id, At: used}}))
				for range 3 {
					now = now.Add(c.lags / 3)
					if h := d.costs(0, "ann", secret.Digest{1}); !h.Credential.LastUsedAt.Equal(last) {
						t.Errorf("not read again, it was last used at %v", h.Credential.LastUsedAt)
					}
					now = now.Add(-1)
				}
				now = now.Add(3)
				if h := d.costs(1, "ann", secret.Digest{1}); c.sign > 0 && !h.Credential.LastUsedAt.Equal(used) {
					t.Errorf("read again it was last used at %v, want %v", h.Credential.LastUsedAt, used)
				}
				now = now.Add(-time.Hour)
				d.costs(1, "ann", secret.Digest{1})
			})
		}
	}
}

// TestWithoutMarksNoAppPasswordIsRemembered, nor in a Store that is closed or
// broken.
func TestWithoutMarksNoAppPasswordIsRemembered(t *testing.T) {
	d, _, _ := openDoor(t)
	name, index := directory.ParseName("ann", directory.AnyName, ""), d.s.index
	d.costs(1, "ann", secret.Digest{1})
	torn := viewOf(headerOf(1), headerOf(2))
	torn.done = new(uint32)
	for _, without := range []*walIndex{nil, torn} {
		d.s.index = without
		for range 3 {
			d.costs(1, "ann", secret.Digest{1})
			ok(t, d.s.AppendEvents(t.Context(), []directory.Event{doorEvent()}))
		}
	}
	d.s.index = index
	d.costs(1, "ann", secret.Digest{1})
	d.costs(0, "ann", secret.Digest{1})
	wrong := errors.New("the disk is gone")
	d.s.breakDown(wrong)
	if h, err := d.s.AppPassword(t.Context(), []secret.Digest{{1}}, name); !errors.Is(err, wrong) {
		t.Errorf("a broken store answers %v, %v", h, err)
	}
	d.s.broken.Store(nil)
	d.costs(0, "ann", secret.Digest{1})
	ok(t, d.s.Close())
	if h, err := d.s.AppPassword(t.Context(), []secret.Digest{{1}}, name); !errors.Is(err, errClosed) {
		t.Errorf("a closed store answers %v, %v", h, err)
	}
}

// TestWhatIsRememberedAllocatesNothing, however it is asked for.
func TestWhatIsRememberedAllocatesNothing(t *testing.T) {
	d, _, _ := openDoor(t)
	ctx, digests := t.Context(), []secret.Digest{{1}}
	for _, typed := range []string{"ann", "ann@example.net", ""} {
		name := directory.ParseName(typed, directory.AnyName, "example.org")
		n := testing.AllocsPerRun(100, func() {
			if _, err := d.s.AppPassword(ctx, digests, name); err != nil {
				t.Error(err)
			}
		})
		if n > 0 {
			t.Errorf("asking for %q allocates %v times", typed, n)
		}
	}
}

// TestRememberedAppPasswordsAreBounded in number and in bytes, and what is asked
// for stays among them.
func TestRememberedAppPasswordsAreBounded(t *testing.T) {
	const held = 32768
	d, mark := newDoors(stopped, held), headerOf(1)
	question := func(b []byte, i int) (secret.Digest, []byte) {
		digest := benchDigest(i, 0)
		return digest, appendQuestion(b[:0], []secret.Digest{digest}, &directory.Name{Login: fmt.Sprintf("user%07d", i)})
	}
	buffer := make([]byte, 0, 256)
	keep := func(i int) {
		h := benchHolding(i, 1)
		h.Holder.Account = directory.Account{ID: h.Credential.AccountID, Login: fmt.Sprintf("user%07d", i)}
		digest, q := question(buffer, i)
		d.keep(&digest, q, mark, d.now(), &h)
	}
	kept := func() (n int) {
		for i := range d.shards {
			n += len(d.shards[i].young) + len(d.shards[i].old)
		}
		return n
	}
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	for i := range held {
		keep(i)
	}
	bytes := int64(live()-before) / int64(kept())
	t.Logf("%d are kept, of %d bytes each", kept(), bytes)
	if n := kept(); n > held || n < held/2 || bytes > 500 {
		t.Errorf("%d of %d bytes are kept of %d", n, bytes, held)
	}
	for i := range 2 * held {
		keep(held + i)
		digest, q := question(buffer, held-1)
		if row := d.find(&digest, q, mark); row == nil || row.holding().Credential.ID != benchHolding(held-1, 1).Credential.ID {
			t.Fatalf("after %d others what is asked for all the time is %v", i, row)
		}
	}
	if n := kept(); n > held {
		t.Errorf("%d are kept of %d", n, 3*held)
	}
	digest, q := question(buffer, held-1)
	if d.find(&digest, q, headerOf(2)) != nil || d.find(&digest, q, policy.Mark{}) != nil {
		t.Error("something is found under another mark")
	}
	runtime.KeepAlive(d)
}

// TestWhatIsTooLargeIsNotRemembered, and is answered all the same.
func TestWhatIsTooLargeIsNotRemembered(t *testing.T) {
	d, _, _ := openDoor(t)
	dir := strings.TrimSuffix(d.s.Path(), "/"+fileName)
	for statements, services := range []string{strings.Repeat("s,", doorLimits-3) + "s", strings.Repeat("s,", doorLimits) + "s"} {
		run(t, dir, "UPDATE app_passwords SET services = '"+services+"'")
		d.costs(1, "ann", secret.Digest{1})
		d.costs(statements, "ann", secret.Digest{1})
	}
	run(t, dir, "UPDATE app_passwords SET services = '"+strings.Repeat("s", doorText)+"'")
	d.costs(1, "ann", secret.Digest{1})
	d.costs(1, "ann", secret.Digest{1})
}
