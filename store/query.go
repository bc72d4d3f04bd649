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

// accountIndex and groupIndex name the column that answers a term. A term on
// anything else selects everything: a Query is a superset.
var (
	accountIndex = map[string]string{"id": "a.id", "uid": "a.login_key", "cn": "a.name_key", "mail": "a.mail_key"}
	groupIndex   = map[string]string{"id": "g.id", "cn": "g.name_key"}
)

// Holders returns one batch of accounts in id order, groups included and
// attributes not.
func (s *Store) Holders(ctx context.Context, q directory.Query) (list []policy.Holder, err error) {
	w := where{index: accountIndex}
	w.and("a.kind = " + w.arg(int64(q.Kind)))
	text := `SELECT ` + holderColumns + ` FROM accounts a` + w.page("a.id", q)
	err = s.view(ctx, "listing accounts", func(ses *session) error {
		return ses.adhoc(text, w.args, func(r *row) error {
			list = append(list, readHolder(r))
			return nil
		})
	})
	return list, err
}

// Groups returns one batch of groups in id order.
func (s *Store) Groups(ctx context.Context, q directory.Query) (list []directory.Group, err error) {
	w := where{index: groupIndex}
	text := `SELECT ` + groupColumns + ` FROM groups g` + w.page("g.id", q)
	err = s.view(ctx, "listing groups", func(ses *session) error {
		return ses.adhoc(text, w.args, func(r *row) error {
			list = append(list, readGroup(r))
			return nil
		})
	})
	return list, err
}

// where builds the condition of a listing. Values become arguments, never text.
type where struct {
	index map[string]string
	conds []string
	args  []any
}

// arg takes a value and returns its placeholder.
func (w *where) arg(v any) string {
	w.args = append(w.args, v)
	return "$" + strconv.Itoa(len(w.args))
}

func (w *where) and(cond string) { w.conds = append(w.conds, cond) }

// page adds the terms of q and returns the clauses of one batch, by id.
func (w *where) page(id string, q directory.Query) string {
	if len(q.AnyOf) > 0 {
		if any := w.anyOf(q.AnyOf); any != "" {
			w.and("(" + any + ")")
		}
	}
	if q.After != "" {
		w.and(id + " > " + w.arg(q.After))
	}
	return w.clause() + " ORDER BY " + id + " LIMIT " + w.arg(limitOr(q.Limit))
}

// clause is the WHERE clause, "" where everything is selected.
func (w *where) clause() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}

func limitOr(limit int) int {
	if limit <= 0 {
		return batch
	}
	return limit
}

// anyOf joins the terms, or returns "" where one of them selects everything.
func (w *where) anyOf(terms []directory.Term) string {
	kept := len(w.args)
	conds := make([]string, 0, len(terms))
	for _, t := range terms {
		cond := w.term(t)
		if cond == "" {
			w.args = w.args[:kept]
			return ""
		}
		conds = append(conds, cond)
	}
	return strings.Join(conds, " OR ")
}

func (w *where) term(t directory.Term) string {
	column := w.index[t.Attribute]
	if column == "" {
		return ""
	}
	switch t.Match {
	case directory.Equals:
		return column + " = " + w.arg(t.Value)
	case directory.Prefix:
		return "(" + column + " >= " + w.arg(t.Value) + " AND " + column + " < " + w.arg(t.Value+string(utf8.MaxRune)) + ")"
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

var likeEscaper = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)

func escapeLike(s string) string { return likeEscaper.Replace(s) }
