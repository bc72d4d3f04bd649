package store

import (
	"context"
	"strconv"
	"strings"

	"postern/directory"
	"postern/policy"
)

// batch is how many rows a Query without a Limit asks for.
const batch = 500

// Holders returns one batch of accounts in id order, groups included and
// attributes not.
func (s *Store) Holders(ctx context.Context, q directory.Query) (list []policy.Holder, err error) {
	l := holderLookup(q)
	err = s.view(ctx, "listing accounts", func(ses *session) error {
		if err := l.narrow(ses, q.AnyOf); err != nil {
			return err
		}
		text, args := l.holders(q)
		return ses.adhoc(text, args, func(r *row) error {
			list = append(list, readHolder(r))
			return nil
		})
	})
	return list, err
}

func holderLookup(q directory.Query) lookup {
	return lookup{indexes: accountLookups, kind: int64(q.Kind), byKind: true}
}

func (l *lookup) holders(q directory.Query) (text string, args []any) {
	text = `SELECT ` + holderColumns + ` FROM accounts a` + l.clauses("a", q)
	return text, l.args
}

// Groups returns one batch of groups in id order.
func (s *Store) Groups(ctx context.Context, q directory.Query) (list []directory.Group, err error) {
	l := lookup{indexes: groupLookups}
	err = s.view(ctx, "listing groups", func(ses *session) error {
		if err := l.narrow(ses, q.AnyOf); err != nil {
			return err
		}
		text := `SELECT ` + groupColumns + ` FROM groups g` + l.clauses("g", q)
		return ses.adhoc(text, l.args, func(r *row) error {
			list = append(list, readGroup(r))
			return nil
		})
	})
	return list, err
}

// where builds the condition of a listing. Values become arguments, never text.
type where struct {
	conds []string
	args  []any
}

// arg takes a value and returns its placeholder.
func (w *where) arg(v any) string {
	w.args = append(w.args, v)
	return "$" + strconv.Itoa(len(w.args))
}

func (w *where) and(cond string) { w.conds = append(w.conds, cond) }

// clause is the WHERE clause, "" where everything is selected.
func (w *where) clause() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}

// limitTo is a LIMIT clause, of one batch where no limit is asked for. The
// number stands in the text, because SQLite plans a statement anew for each
// value bound to its LIMIT.
func limitTo(limit int) string {
	if limit <= 0 {
		limit = batch
	}
	return " LIMIT " + strconv.Itoa(limit)
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)

func escapeLike(s string) string { return likeEscaper.Replace(s) }
