package store

import (
	"context"
	"strconv"
	"strings"
	"unicode/utf8"

	"postern/directory"
	"postern/policy"
)

// batch is how many rows a Query without a Limit asks for.
const batch = 500

// Holders returns one batch of accounts in id order, groups included and
// attributes not.
func (s *Store) Holders(ctx context.Context, q directory.Query) (list []policy.Holder, err error) {
	text, args := holdersQuery(q)
	err = s.view(ctx, "listing accounts", func(ses *session) error {
		return ses.adhoc(text, args, func(r *row) error {
			list = append(list, readHolder(r))
			return nil
		})
	})
	return list, err
}

// holdersQuery keeps the kind away from the indexes with a sign: almost
// everybody is of one kind, and ids come in order already.
func holdersQuery(q directory.Query) (text string, args []any) {
	var w where
	w.and("+a.kind = " + w.arg(int64(q.Kind)))
	w.terms("a.id", q, accountIndex)
	return `SELECT ` + holderColumns + ` FROM accounts a` + w.page("a.id", q), w.args
}

// Groups returns one batch of groups in id order.
func (s *Store) Groups(ctx context.Context, q directory.Query) (list []directory.Group, err error) {
	var w where
	w.terms("g.id", q, groupIndex)
	text := `SELECT ` + groupColumns + ` FROM groups g` + w.page("g.id", q)
	err = s.view(ctx, "listing groups", func(ses *session) error {
		return ses.adhoc(text, w.args, func(r *row) error {
			list = append(list, readGroup(r))
			return nil
		})
	})
	return list, err
}

// index says how terms find the ids of the rows they select. $1 of accounts is
// the kind. A term on any other attribute selects everything: a Query is a
// superset.
type index struct {
	ids     string
	columns map[string]string
}

var (
	accountIndex = index{`SELECT id FROM accounts WHERE kind = $1 AND `,
		map[string]string{"id": "id", "uid": "login_key", "cn": "name_key", "mail": "mail_key"}}
	groupIndex = index{`SELECT id FROM groups WHERE `,
		map[string]string{"id": "id", "cn": "name_key"}}
)

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

// maxTerms is how many terms an index is asked for; with more of them reading
// everybody is no worse.
const maxTerms = 100

// terms adds that one of the terms of q holds. Each has a search of its own in
// a union, because SQLite would answer an OR by reading everybody.
func (w *where) terms(id string, q directory.Query, in index) {
	if len(q.AnyOf) > maxTerms {
		return
	}
	kept := len(w.args)
	searches := make([]string, 0, len(q.AnyOf))
	for _, t := range q.AnyOf {
		cond := w.term(t, in.columns[t.Attribute])
		if cond == "" {
			w.args = w.args[:kept]
			return
		}
		searches = append(searches, in.ids+cond)
	}
	if len(searches) > 0 {
		w.and(id + " IN (" + strings.Join(searches, " UNION ALL ") + ")")
	}
}

// term is the condition of one term, "" where it selects everything.
func (w *where) term(t directory.Term, column string) string {
	if column == "" {
		return ""
	}
	switch t.Match {
	case directory.Equals:
		return column + " = " + w.arg(t.Value)
	case directory.Prefix:
		return column + " >= " + w.arg(t.Value) + " AND " + column + " < " + w.arg(t.Value+string(utf8.MaxRune))
	case directory.Contains:
		return column + " LIKE " + w.arg("%"+escapeLike(t.Value)+"%") + ` ESCAPE '\'`
	case directory.AtLeast:
		return column + " >= " + w.arg(t.Value)
	case directory.AtMost:
		return column + " <= " + w.arg(t.Value)
	case directory.Present:
		return column + " IS NOT NULL"
	}
	return ""
}

// page returns the clauses of one batch, in id order.
func (w *where) page(id string, q directory.Query) string {
	if q.After != "" {
		w.and(id + " > " + w.arg(q.After))
	}
	return w.clause() + " ORDER BY " + id + limitTo(q.Limit)
}

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
