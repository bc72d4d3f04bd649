package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

const (
	appPasswordColumns = `c.id, c.kind, c.account_id, c.label, c.services, c.networks, c.challenge,
  c.created_at, c.expires_at, c.revoked_at, c.last_used_at, c.last_used_from, c.last_used_service`

	holdingColumns = appPasswordColumns + `, c.digest, c.row_mac, c.sealed_nt, c.sealed_clear, ` + accountColumns + `, a.mfa_demanded`

	appPasswordInsert = `INSERT INTO app_passwords (id, kind, account_id, label, services, networks, challenge, digest, row_mac,
  sealed_nt, sealed_clear, created_at, expires_at, revoked_at, last_used_at, last_used_from, last_used_service)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 0, '', '')`
	appPasswordsLive = `SELECT count(*) FROM app_passwords WHERE account_id = $1 AND kind = 0 AND revoked_at = 0
  AND (expires_at = 0 OR expires_at > $2) AND (created_at > $3 OR last_used_at > $3)`
	appPasswordRevoke  = `UPDATE app_passwords SET revoked_at = $3 WHERE account_id = $1 AND id = $2 AND revoked_at = 0`
	appPasswordRename  = `UPDATE app_passwords SET label = $3 WHERE account_id = $1 AND id = $2`
	appPasswordIs      = `SELECT count(*) FROM app_passwords WHERE account_id = $1 AND id = $2`
	appPasswordsRevoke = `UPDATE app_passwords SET revoked_at = $2 WHERE account_id = $1 AND revoked_at = 0`
	appPasswordsOf     = `SELECT ` + appPasswordColumns + ` FROM app_passwords c WHERE c.account_id = $1 ORDER BY c.created_at DESC, c.id`
	holdingsOf         = `SELECT ` + holdingColumns + `, 0 FROM app_passwords c JOIN accounts a ON a.id = c.account_id
  WHERE c.account_id = $1 ORDER BY c.created_at DESC, c.id`
	appPasswordsSealedOf = `SELECT ` + holdingColumns + `, 0 FROM app_passwords c JOIN accounts a ON a.id = c.account_id
  WHERE c.account_id = $1 AND c.revoked_at = 0 AND c.challenge > 0
  ORDER BY CASE WHEN c.expires_at = 0 OR c.expires_at > $2 THEN 0 ELSE 1 END, c.created_at DESC, c.id`
	appPasswordUsed = `UPDATE app_passwords SET last_used_at = $2, last_used_from = $3, last_used_service = $4
  WHERE id = $1 AND last_used_at <= $2`
)

// doorColumns are what an attempt is decided by, and no more: each column costs
// some tens of nanoseconds, and a text or a large number an allocation or two.
const doorColumns = `c.id, c.kind, c.account_id, c.services, c.networks, c.created_at, c.expires_at, c.revoked_at, c.last_used_at,
  c.digest, c.row_mac, a.kind, a.login, a.disabled, a.expires_at`

// The queries of AppPassword, by the number of digests. $1 to $4 are the name.
// A simple name denotes by login alone, which is unique, so nobody else can be
// meant; any other name may denote a second person, and then denotes nobody.
const (
	namedSimply = `(a.kind = $1 AND a.login_key = $2)`
	namedAlone  = `(a.kind = $1 AND (a.login_key = $2 OR a.mail_key = $3 OR a.login_key = $4)
    AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.kind = $1 AND o.login_key = $2 AND o.id <> a.id)
    AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.kind = $1 AND o.mail_key = $3 AND o.id <> a.id)
    AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.kind = $1 AND o.login_key = $4 AND o.id <> a.id))`
)

var (
	appPasswordSimply = appPasswordTexts(namedSimply, 3)
	appPasswordAlone  = appPasswordTexts(namedAlone, 5)
)

// maxDigests is how many keys a key file may hold: more is refused, not
// ignored.
const maxDigests = 16

// appPasswordTexts builds the query for 1 to maxDigests digests, which begin
// at placeholder first.
func appPasswordTexts(named string, first int) (texts [maxDigests + 1]string) {
	var in []string
	for n := 1; n <= maxDigests; n++ {
		in = append(in, "$"+strconv.Itoa(first+n-1))
		texts[n] = `SELECT ` + doorColumns + `, CASE WHEN ` + named + ` THEN 1 ELSE 0 END
  FROM app_passwords c JOIN accounts a ON a.id = c.account_id WHERE c.digest IN (` + strings.Join(in, ", ") + `)`
	}
	return texts
}

// AppPassword finds a credential by the digests of what was presented, with
// its account, and says whether name denotes that account; see policy.Records.
// It runs one statement, or none where nothing that decides was committed since
// the same was asked.
//
// Found rows alone are kept, under the name of their account or under none:
// nobody fills the memory with names he makes up, and what somebody types in
// place of his name does not stay in it.
func (s *Store) AppPassword(ctx context.Context, digests []secret.Digest, name directory.Name) (policy.Holding, error) {
	if len(digests) == 0 {
		return policy.Holding{}, directory.ErrNotFound
	}
	if len(digests) > maxDigests {
		return policy.Holding{}, fmt.Errorf("looking up an app password: the key file holds %d keys, at most %d can be in use", len(digests), maxDigests)
	}
	var room [256]byte
	q, mark := appendQuestion(room[:0], digests, &name), s.Mark()
	if row := s.doors.find(&digests[0], q, mark); row != nil {
		return row.holding(), nil
	}
	asked := s.doors.now()
	h, err := s.readAppPassword(ctx, digests, name)
	// With the same mark after as before, what was read is of that very state.
	if err == nil && (h.Named || name == directory.Name{}) && mark != (policy.Mark{}) && s.Mark() == mark {
		s.doors.keep(&digests[0], q, mark, asked, &h)
	}
	return h, err
}

// readAppPassword is AppPassword by a query.
func (s *Store) readAppPassword(ctx context.Context, digests []secret.Digest, name directory.Name) (h policy.Holding, err error) {
	err = s.view(ctx, "looking up an app password", func(ses *session) error {
		text, args := appPasswordQuery(ses.scratch[:0], digests, name)
		ses.scratch = args
		return ses.only(text, args, func(r *row) (err error) {
			h, err = readAtDoor(r)
			return err
		})
	})
	if err != nil {
		return policy.Holding{}, err
	}
	h.Named = h.Named && name.Valid()
	return h, nil
}

// appPasswordQuery returns the query and its arguments, appended to args.
func appPasswordQuery(args []any, digests []secret.Digest, name directory.Name) (string, []any) {
	args = append(args, int64(name.Kind), name.Login)
	text := appPasswordSimply[len(digests)]
	if !name.Simple() {
		text = appPasswordAlone[len(digests)]
		args = append(args, nullable(name.Mail), name.Local)
	}
	for i := range digests {
		args = append(args, digests[i][:])
	}
	return text, args
}

func readAtDoor(r *row) (h policy.Holding, err error) {
	c, a := &h.Credential, &h.Holder.Account
	c.ID, c.Kind, c.AccountID, c.Services = r.text(), directory.CredentialKind(r.int()), r.text(), splitServices(r.text())
	c.Networks, err = splitNetworks(r.text())
	c.CreatedAt, c.ExpiresAt, c.RevokedAt, c.LastUsedAt = r.time(), r.time(), r.time(), r.time()
	r.fill(h.Digest[:])
	r.fill(h.RowMAC[:])
	a.ID, a.Kind, a.Login, a.Disabled, a.ExpiresAt = c.AccountID, directory.Kind(r.int()), r.text(), r.bool(), r.time()
	h.Named = r.bool()
	return h, err
}

func readAppPassword(r *row) (p directory.AppPassword, err error) {
	p = directory.AppPassword{
		ID: r.text(), Kind: directory.CredentialKind(r.int()), AccountID: r.text(), Label: r.text(), Services: splitServices(r.text()),
	}
	p.Networks, err = splitNetworks(r.text())
	p.Challenge = directory.Challenge(r.int())
	p.CreatedAt, p.ExpiresAt, p.RevokedAt = r.time(), r.time(), r.time()
	p.LastUsedAt, p.LastUsedFrom, p.LastUsedService = r.time(), r.text(), r.text()
	return p, err
}

func readHolding(r *row) (h policy.Holding, err error) {
	h.Credential, err = readAppPassword(r)
	r.fill(h.Digest[:])
	r.fill(h.RowMAC[:])
	h.Sealed, h.SealedClear = r.bytes(), r.bytes()
	h.Holder.Account = readAccount(r)
	h.Holder.MFADemanded = r.bool()
	h.Named = r.bool()
	return h, err
}

// ChallengeHoldings returns the app passwords of the account that hold sealed
// forms and are not revoked, those that have not expired first; see
// policy.Challengeable.
func (s *Store) ChallengeHoldings(ctx context.Context, accountID string, now time.Time, limit int) ([]policy.Holding, error) {
	list, err := s.holdings(ctx, "listing what challenges can be answered with", appPasswordsSealedOf, accountID, seconds(now))
	return list[:min(max(limit, 0), len(list))], err
}

// Holdings returns all credentials of an account, ended ones too, newest
// first; see policy.Holdings.
func (s *Store) Holdings(ctx context.Context, accountID string) ([]policy.Holding, error) {
	return s.holdings(ctx, "listing the credentials of an account", holdingsOf, accountID)
}

func (s *Store) holdings(ctx context.Context, doing, text string, args ...any) (list []policy.Holding, err error) {
	err = s.view(ctx, doing, func(ses *session) error {
		return ses.each(text, args, func(r *row) error {
			h, err := readHolding(r)
			list = append(list, h)
			return err
		})
	})
	return list, err
}

// AppPasswords returns all app passwords of an account, ended ones too, newest
// first.
func (s *Store) AppPasswords(ctx context.Context, accountID string) (list []directory.AppPassword, err error) {
	err = s.view(ctx, "listing app passwords", func(ses *session) error {
		return ses.each(appPasswordsOf, []any{accountID}, func(r *row) error {
			p, err := readAppPassword(r)
			list = append(list, p)
			return err
		})
	})
	return list, err
}

// IssueAppPassword keeps an issued app password. The live ones of the account
// are counted at ev.At, in the transaction that adds this one.
// directory.ErrLimit: there are limit.Max. directory.ErrNotFound: there is no
// such account. directory.ErrConflict: the id or the digest is taken.
func (s *Store) IssueAppPassword(ctx context.Context, h policy.Holding, limit policy.Limit, ev directory.Event) error {
	return s.change(ctx, "issuing an app password", func(ses *session) error {
		usedSince := int64(-1)
		if limit.UnusedAfter > 0 {
			usedSince = seconds(ev.At.Add(-limit.UnusedAfter))
		}
		live, err := ses.number(appPasswordsLive, h.Credential.AccountID, seconds(ev.At), usedSince)
		if err != nil {
			return err
		}
		if limit.Max > 0 && live >= int64(limit.Max) {
			return directory.ErrLimit
		}
		return insertAppPassword(ses, h)
	}, ev)
}

// ReplaceAppPassword revokes all app passwords of the account and keeps h
// instead, at once: how a service account's secret is changed.
func (s *Store) ReplaceAppPassword(ctx context.Context, h policy.Holding, ev directory.Event) error {
	return s.change(ctx, "replacing an app password", func(ses *session) error {
		if _, err := ses.exec(appPasswordsRevoke, h.Credential.AccountID, seconds(ev.At)); err != nil {
			return err
		}
		return insertAppPassword(ses, h)
	}, ev)
}

func insertAppPassword(ses *session, h policy.Holding) error {
	c := h.Credential
	services, err := joinServices(c.Services)
	if err != nil {
		return err
	}
	networks, err := joinNetworks(c.Networks)
	if err != nil {
		return err
	}
	_, err = ses.exec(appPasswordInsert, c.ID, int64(c.Kind), c.AccountID, c.Label, services, networks, int64(c.Challenge), h.Digest[:], h.RowMAC[:],
		nullableBytes(h.Sealed), nullableBytes(h.SealedClear), seconds(c.CreatedAt), seconds(c.ExpiresAt))
	return err
}

// RevokeAppPasswords ends the app password of that id, or with id "" all of
// the account, at ev.At, and returns how many were not ended before. With none
// nothing is recorded. directory.ErrNotFound: the account has none of that id,
// or there is no such account.
func (s *Store) RevokeAppPasswords(ctx context.Context, accountID, id string, ev directory.Event) (revoked int, err error) {
	err = s.change(ctx, "revoking app passwords", func(ses *session) error {
		text, there, args := appPasswordsRevoke, accountIs, []any{accountID}
		if id != "" {
			text, there, args = appPasswordRevoke, appPasswordIs, append(args, id)
		}
		n, err := ses.exec(text, append(args, seconds(ev.At))...)
		if err != nil || n > 0 {
			revoked = int(n)
			return err
		}
		return unchangedIfThere(ses, there, args...)
	}, ev)
	if err != nil {
		return 0, err
	}
	return revoked, nil
}

// RenameAppPassword changes the label. directory.ErrNotFound: the account has
// none of that id.
func (s *Store) RenameAppPassword(ctx context.Context, accountID, id, label string, ev directory.Event) error {
	return s.change(ctx, "renaming an app password", func(ses *session) error {
		return ses.one(appPasswordRename, accountID, id, label)
	}, ev)
}

// TouchAppPasswords notes when, from where and for what credentials were last
// used, in one transaction. It moves no version: it is no change.
func (s *Store) TouchAppPasswords(ctx context.Context, uses []policy.Use) error {
	if len(uses) == 0 {
		return nil
	}
	return s.note(ctx, "noting the use of app passwords", func(ses *session) error {
		for _, u := range uses {
			if _, err := ses.exec(appPasswordUsed, u.Credential, seconds(u.At), u.From, u.Service); err != nil {
				return err
			}
		}
		return nil
	})
}
