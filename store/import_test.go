package store

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// crowd is an import of n accounts with attributes, memberships and events.
func crowd(n int) policy.Import {
	im := policy.Import{Groups: make([]directory.Group, 200)}
	for g := range im.Groups {
		im.Groups[g] = directory.Group{ID: benchID("group", g), Name: "team" + strconv.Itoa(g)}
	}
	for i := range n {
		login := fmt.Sprintf("user%07d", i)
		a := directory.Account{
			ID: benchID("account", i), Login: login, Name: "Some Body " + strconv.Itoa(i), Mail: login + "@example.org",
			CreatedAt: benchStart, ModifiedAt: benchStart,
			Attributes: map[string][]string{
				"sn": {"Body " + strconv.Itoa(i)}, "givenName": {"Some"}, "homeDirectory": {"/home/" + login},
				"loginShell": {"/bin/bash"}, "gidNumber": {"1000"}, "telephoneNumber": {"+49 1 " + strconv.Itoa(i)},
			},
		}
		im.Add = append(im.Add, policy.Holder{
			Account: a, Groups: []string{"team" + strconv.Itoa(i%200), "team" + strconv.Itoa(i*7%200)},
			PasswordHash: secret.NewText("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2E$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"),
		})
		im.Events = append(im.Events, directory.Event{ID: benchID("event", i), At: benchStart, Kind: directory.EventAccountAdded, AccountID: a.ID, Login: login})
	}
	return im
}

// importAccounts is how many accounts POSTERN_IMPORT_ACCOUNTS asks for.
func importAccounts(otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv("POSTERN_IMPORT_ACCOUNTS")); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// TestOthersReadAndWriteDuringAnImport imports POSTERN_IMPORT_ACCOUNTS accounts,
// by default 2000, while another process's connections read and write: none of
// them fails, which one that waited for more than five seconds would. It prints
// how long the import took and the longest that a write waited for it. Many
// of them take too long on a machine that is busy with other tests.
func TestOthersReadAndWriteDuringAnImport(t *testing.T) {
	n := importAccounts(2000)
	dir := t.TempDir()
	s, other := openHere(t, Options{Dir: dir}), openHere(t, Options{Dir: dir})
	ann := directory.Account{ID: benchID("ann", 0), Login: "ann", CreatedAt: benchStart, ModifiedAt: benchStart}
	ok(t, other.AddAccount(t.Context(), policy.Holder{Account: ann}, directory.Event{ID: benchID("ann", 1), At: benchStart, Kind: directory.EventAccountAdded}))
	im := crowd(n)

	ctx, done := context.WithCancel(context.Background())
	var longest struct{ read, write time.Duration }
	var work sync.WaitGroup
	repeat := func(longest *time.Duration, what string, once func(i int) error) {
		work.Go(func() {
			for i := 0; i == 0 || ctx.Err() == nil; i++ {
				start := time.Now()
				if err := once(i); err != nil {
					t.Errorf("%s during an import: %v", what, err)
					return
				}
				*longest = max(*longest, time.Since(start))
			}
		})
	}
	repeat(&longest.read, "reading", func(int) error {
		_, err := other.HolderByName(context.Background(), directory.ParseName("ann", directory.LoginOnly, ""))
		return err
	})
	repeat(&longest.write, "writing", func(i int) error {
		on := i%2 == 0
		return other.ChangeAccount(context.Background(), ann.ID, policy.AccountChange{Disabled: &on},
			directory.Event{ID: benchID("change", i), At: benchStart, Kind: directory.EventAccountDisabled})
	})
	start := time.Now()
	err := s.ImportAccounts(t.Context(), im, directory.Event{ID: benchID("import", 0), At: benchStart, Kind: directory.EventAccountsImported})
	took := time.Since(start)
	done()
	work.Wait()
	ok(t, err)
	t.Logf("%d accounts were imported in %v; a write waited for at most %v, a read for %v", n, took, longest.write, longest.read)

	last := im.Add[n-1]
	h, err := other.HolderByName(t.Context(), directory.ParseName(last.Account.Login, directory.LoginOnly, ""))
	ok(t, err)
	a, err := other.Account(t.Context(), h.Account.ID)
	ok(t, err)
	if len(h.Groups) != 2 || len(a.Attributes) != 6 || !h.PasswordHash.Equal(last.PasswordHash) || a.UIDNumber < 10000 {
		t.Errorf("the last one is %+v with %v", h, a.Attributes)
	}
}
