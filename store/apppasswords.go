package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

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
	appPasswordRevoke    = `UPDATE app_passwords SET revoked_at = $3 WHERE account_id = $1 AND id = $2 AND revoked_at = 0`
	appPasswordRename    = `UPDATE app_passwords SET label = $3 WHERE account_id = $1 AND id = $2`
	appPasswordIs        = `SELECT count(*) FROM app_passwords WHERE account_id = $1 AND id = $2`
	appPasswordsRevoke   = `UPDATE app_passwords SET revoked_at = $2 WHERE account_id = $1 AND revoked_at = 0`
	appPasswordsOf       = `SELECT ` + appPasswordColumns + ` FROM app_passwords c WHERE c.account_id = $1 ORDER BY c.created_at DESC, c.id`
	appPasswordsSealedOf = `SELECT ` + holdingColumns + `, 0 FROM app_passwords c JOIN accounts a ON a.id = c.account_id
  WHERE c.account_id = $1 AND c.revoked_at = 0 AND c.challenge > 0 ORDER BY c.created_at DESC, c.id LIMIT $2`
	appPasswordUsed = `UPDATE app_passwords SET last_used_at = $2, last_used_from = $3, last_used_service = $4
  WHERE id = $1 AND last_used_at <= $2`
)

// The queries of AppPassword, by the number of digests. $1 to $4 are the name.
// A simple name denotes by login alone, which is unique, so nobody else can be
// meant; any other name may denote a second person, and then denotes nobody.
const (
	namedSimply = `(a.kind = $1 AND a.login_key = $2)`
	namedAlone  = `(a.kind = $1 AND (a.login_key = $2 OR a.mail_key = $3 OR a.login_key = $4)
    AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.kind = $1 AND o.id <> a.id
      AND (o.login_key = $2 OR o.mail_key = $3 OR o.login_key = $4)))`
)

var (
	appPasswordSimply = appPasswordTexts(namedSimply, 3)
	appPasswordAlone  = appPasswordTexts(namedAlone, 5)
)

// maxDigests is how many keys a key file may hold: more is refused, not
// ignored.
const maxDigests = 8

// appPasswordTexts builds the query for 1 to maxDigests digests, which begin
// at placeholder first.
func appPasswordTexts(named string, first int) (texts [maxDigests + 1]string) {
	var in []string
	for n := 1; n <= maxDigests; n++ {
		in = append(in, "$"+strconv.Itoa(first+n-1))
		texts[n] = `SELECT ` + holdingColumns + `, ` + named + `
  FROM app_passwords c JOIN accounts a ON a.id = c.account_id WHERE c.digest IN (` + strings.Join(in, ", ") + `)`
	}
	return texts
}

// AppPassword finds a credential by the digests of what was presented, with
// its account, and says whether name denotes that account; see policy.Records.
// It runs one statement.
func (s *Store) AppPassword(ctx context.Context, digests []secret.Digest, name directory.Name) (h policy.Holding, err error) {
	if len(digests) == 0 {
		return h, directory.ErrNotFound
	}
	if len(digests) > maxDigests {
		return h, fmt.Errorf("looking up an app password: the key file holds %d keys, at most %d can be in use", len(digests), maxDigests)
	}
	text, args := appPasswordQuery(digests, name)
	err = s.view(ctx, "looking up an app password", func(ses *session) error {
		list, err := holdings(ses, text, args...)
		if err == nil && len(list) == 0 {
			err = directory.ErrNotFound
		}
		if err == nil {
			h = list[0]
			h.Named = h.Named && name.Valid()
		}
		return err
	})
	return h, err
}

func appPasswordQuery(digests []secret.Digest, name directory.Name) (text string, args []any) {
	args = make([]any, 0, 4+maxDigests)
	args = append(args, int64(name.Kind), name.Login)
	text = appPasswordSimply[len(digests)]
	if !name.Simple() {
		text = appPasswordAlone[len(digests)]
		args = append(args, nullable(name.Mail), name.Local)
	}
	for i := range digests {
		args = append(args, digests[i][:])
	}
	return text, args
}

func holdings(ses *session, text string, args ...any) (list []policy.Holding, err error) {
	err = ses.each(text, args, func(row scanner) error {
		h, err := scanHolding(row)
		list = append(list, h)
		return err
	})
	return list, err
}

// appPasswordScan reads appPasswordColumns into an app password.
type appPasswordScan struct {
	p                               *directory.AppPassword
	services, networks              string
	created, expires, revoked, used int64
}

func (s *appPasswordScan) dest() []any {
	p := s.p
	return []any{&p.ID, &p.Kind, &p.AccountID, &p.Label, &s.services, &s.networks, &p.Challenge,
		&s.created, &s.expires, &s.revoked, &s.used, &p.LastUsedFrom, &p.LastUsedService}
}

func (s *appPasswordScan) done() (err error) {
	p := s.p
	p.CreatedAt, p.ExpiresAt = fromSeconds(s.created), fromSeconds(s.expires)
	p.RevokedAt, p.LastUsedAt = fromSeconds(s.revoked), fromSeconds(s.used)
	p.Services = splitServices(s.services)
	p.Networks, err = splitNetworks(s.networks)
	return err
}

func scanHolding(row scanner) (h policy.Holding, err error) {
	var digest, mac []byte
	credential := appPasswordScan{p: &h.Credential}
	holder := newAccountScan(&h.Holder.Account)
	dest := append(credential.dest(), &digest, &mac, &h.Sealed, &h.SealedClear)
	dest = append(append(dest, holder.dest()...), &h.Holder.MFADemanded, &h.Named)
	if err = row.Scan(dest...); err != nil {
		return policy.Holding{}, err
	}
	holder.done()
	if err = credential.done(); err != nil {
		return policy.Holding{}, err
	}
	if len(digest) != len(h.Digest) || len(mac) != len(h.RowMAC) {
		return policy.Holding{}, fmt.Errorf("app password %s is damaged: its digest or MAC has the wrong length", h.Credential.ID)
	}
	copy(h.Digest[:], digest)
	copy(h.RowMAC[:], mac)
	return h, nil
}

// ChallengeHoldings returns the app passwords of the account that hold sealed
// forms and are not revoked, newest first; see policy.Challengeable.
func (s *Store) ChallengeHoldings(ctx context.Context, accountID string, limit int) (list []policy.Holding, err error) {
	err = s.view(ctx, "listing what challenges can be answered with", func(ses *session) error {
		list, err = holdings(ses, appPasswordsSealedOf, accountID, limit)
		return err
	})
	return list, err
}

// AppPasswords returns all app passwords of an account, ended ones too, newest
// first.
func (s *Store) AppPasswords(ctx context.Context, accountID string) (list []directory.AppPassword, err error) {
	err = s.view(ctx, "listing app passwords", func(ses *session) error {
		return ses.each(appPasswordsOf, []any{accountID}, func(row scanner) error {
			var p directory.AppPassword
			scan := appPasswordScan{p: &p}
			if err := row.Scan(scan.dest()...); err != nil {
				return err
			}
			list = append(list, p)
			last := appPasswordScan{p: &list[len(list)-1], services: scan.services, networks: scan.networks,
				created: scan.created, expires: scan.expires, revoked: scan.revoked, used: scan.used}
			return last.done()
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
		var live int64
		err := ses.get(appPasswordsLive, []any{h.Credential.AccountID, seconds(ev.At), usedSince}, &live)
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
	_, err = ses.exec(appPasswordInsert, c.ID, c.Kind, c.AccountID, c.Label, services, networks, c.Challenge, h.Digest[:], h.RowMAC[:],
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
	return s.update(ctx, "noting the use of app passwords", func(ses *session) error {
		for _, u := range uses {
			if _, err := ses.exec(appPasswordUsed, u.Credential, seconds(u.At), u.From, u.Service); err != nil {
				return err
			}
		}
		return nil
	})
}
