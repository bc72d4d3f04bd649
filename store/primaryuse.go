package store

import (
	"context"
	"time"

	"postern/directory"
)

// primaryUses groups what the kept events say of right primary passwords. The
// reasons are those of policy.Reason that say so, of which two say that
// report-only accepted what the rules refuse. An account keeps its id when its
// login changes; the login shown is the one that sorts last.
const primaryUses = `SELECT account_id, MAX(login), service, protocol, method, client, source, reported,
  CAST(SUM(count) AS BIGINT),
  CAST(SUM(CASE WHEN outcome = 'reject' THEN count ELSE 0 END) AS BIGINT),
  CAST(SUM(CASE WHEN reason LIKE 'would_refuse_%' THEN count ELSE 0 END) AS BIGINT),
  MIN(at), MAX(last_at)
  FROM events
  WHERE kind IN ('sign_in', 'break_glass') AND account_id <> '' AND protocol IN ('ldap', 'radius') AND last_at >= $1
  AND reason IN ('primary', 'primary_in_grace', 'primary_with_mfa', 'primary_app_password_demanded',
    'would_refuse_primary_with_mfa', 'would_refuse_app_password_demanded')
  GROUP BY account_id, service, protocol, method, client, source, reported
  ORDER BY MAX(login), account_id, MAX(last_at) DESC, service, protocol, method, client, source, reported`

// PrimaryUses sums up who sent the right primary password at legacy clients,
// and by which ways, in the events kept since that moment, by login and the
// latest way first.
func (s *Store) PrimaryUses(ctx context.Context, since time.Time) (list []directory.PrimaryUse, err error) {
	err = s.view(ctx, "summing up sign-ins", func(ses *session) error {
		return ses.each(primaryUses, []any{millis(since)}, func(r *row) error {
			list = append(list, directory.PrimaryUse{
				AccountID: r.text(), Login: r.text(), Service: r.text(), Protocol: r.text(), Method: r.text(), Client: r.text(),
				Source: r.text(), Reported: r.text(), Count: r.int(), Refused: r.int(), WouldRefuse: r.int(),
				FirstAt: fromMillis(r.int()), LastAt: fromMillis(r.int()),
			})
			return nil
		})
	})
	return list, err
}
