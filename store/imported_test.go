package store

import (
	"fmt"
	"slices"
	"testing"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// TestImportedHashesAreOneOfEachCost leaves out our own, and accounts without.
func TestImportedHashesAreOneOfEachCost(t *testing.T) {
	s := openHere(t, Options{Dir: t.TempDir()})
	im := policy.Import{}
	for i, hash := range []string{
		"", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", "$2b$10$aaaa", "$2b$10$bbbb", "$2b$12$aaaa", "$6$salt$hash", "$6$tlas$hash",
		"$6$rounds=90000$s$h", "$y$j9T$salt$hash", "$pbkdf2-sha256$29000$s$h", "$wrapped$e1NIQX0$argon2id$", "$wrapped$e1NIQX1$argon2id$",
		"$argon2i$v=19$m=65536,t=3,p=1$s$h", "$argon2id$v=19$m=65536,t=3,p=4$s$h",
	} {
		im.Add = append(im.Add, policy.Holder{PasswordHash: secret.NewText(hash), Account: directory.Account{ID: benchID("account", i), Login: fmt.Sprint("user", i)}})
	}
	ok(t, s.ImportAccounts(t.Context(), im, directory.Event{ID: benchID("import", 0), At: benchStart, Kind: directory.EventAccountsImported}))
	list, err := s.ImportedHashes(t.Context(), secret.DefaultArgon2)
	ok(t, err)
	var got []string
	for _, h := range list {
		got = append(got, h.Reveal())
	}
	slices.Sort(got)
	if want := []string{
		"$2b$10$bbbb", "$2b$12$aaaa", "$6$rounds=90000$s$h", "$6$tlas$hash", "$argon2i$v=19$m=65536,t=3,p=1$s$h",
		"$argon2id$v=19$m=65536,t=3,p=4$s$h", "$pbkdf2-sha256$29000$s$h", "$wrapped$e1NIQX1$argon2id$", "$y$j9T$salt$hash",
	}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
