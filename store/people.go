package store

import (
	"context"
	"unicode/utf8"

	"postern/directory"
	"postern/policy"
)

// peopleOrder is the column people are listed by.
var peopleOrder = map[directory.PeopleOrder]string{
	directory.ByLogin: "a.login_key", directory.ByName: "a.name_key", directory.ByMail: "a.mail_key",
}

// People returns one batch of people in the order asked for, groups included
// and attributes not. It reads as many rows as it returns, however many there
// are: the order is that of an index, and the prefix a range of it.
func (s *Store) People(ctx context.Context, q directory.PeopleQuery) (list []policy.Holder, err error) {
	var w where
	column := peopleOrder[q.Order]
	w.and("a.kind = " + w.arg(int64(directory.Person)))
	w.and(column + " > ''") // who has no name or no address is not in that order
	if q.Prefix != "" {
		w.and(column + " >= " + w.arg(q.Prefix))
		w.and(column + " < " + w.arg(q.Prefix+string(utf8.MaxRune)))
	}
	if q.AfterID != "" {
		w.and("(" + column + ", a.id) > (" + w.arg(q.AfterKey) + ", " + w.arg(q.AfterID) + ")")
	}
	text := `SELECT ` + holderColumns + ` FROM accounts a` + w.clause() + ` ORDER BY ` + column + `, a.id` + limitTo(q.Limit)
	err = s.view(ctx, "listing people", func(ses *session) error {
		return ses.adhoc(text, w.args, func(r *row) error {
			list = append(list, readHolder(r))
			return nil
		})
	})
	return list, err
}
