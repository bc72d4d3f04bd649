package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
	"postern/store"
)

// born is when all of them were made.
var born = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// atOnce is how many accounts are added in one transaction.
const atOnce = 20_000

// Store adds n accounts with their app passwords, MFA demanded of each, to the
// database in dir, under the keys of keyFile.
func Store(ctx context.Context, dir, keyFile string, n int) (err error) {
	keys, err := secret.OpenKeyFile(keyFile)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for from := 0; from < n; from += atOnce {
		event := directory.Event{ID: ID(from, -2), At: born, LastAt: born, Count: 1, Kind: directory.EventAccountsImported}
		if err := db.ImportAccounts(ctx, some(keys, from, min(from+atOnce, n)), event); err != nil {
			return fmt.Errorf("adding accounts from %d on: %w", from, err)
		}
	}
	return nil
}

func some(keys *secret.Keys, from, to int) policy.Import {
	im := policy.Import{
		Add:          make([]policy.Holder, 0, to-from),
		AppPasswords: make([]policy.Holding, 0, PerAccount*(to-from)),
	}
	for i := from; i < to; i++ {
		im.Add = append(im.Add, policy.Holder{MFADemanded: true, Account: directory.Account{
			ID: ID(i, -1), Login: Login(i), Name: "Person " + Login(i), Mail: Login(i) + "@example.org", CreatedAt: born, ModifiedAt: born,
		}})
		for j := range PerAccount {
			im.AppPasswords = append(im.AppPasswords, holding(keys, i, j))
		}
	}
	return im
}

func holding(keys *secret.Keys, i, j int) policy.Holding {
	h := policy.Holding{
		Credential: directory.AppPassword{
			ID: ID(i, j), AccountID: ID(i, -1), Label: fmt.Sprintf("device %d", j), Services: []string{directory.AnyService}, CreatedAt: born,
		},
		Digest: keys.Digest(secret.NewText(Password(i, j))),
	}
	h.RowMAC = policy.CredentialMAC(keys, h)
	return h
}
