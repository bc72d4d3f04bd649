package store

import (
	"cmp"
	"context"
	"slices"

	"postern/directory"
)

// Most searches look for one person, by login or mail address. Each such term
// is answered by one statement, whatever is read besides, whose text is made
// beforehand.

// entryKeys are the terms that hardly more than one account meets, with the
// condition that is asked of it. $1 is the kind.
var entryKeys = [...]struct{ attribute, cond string }{
	{"uid", "a.kind = $1 AND a.login_key = $2"},
	{"id", "a.kind = $1 AND a.id = $2"},
	{"mail", "a.kind = $1 AND a.mail_key = $2"},
}

// maxEntryKeys is how many terms are looked up one by one.
const maxEntryKeys = 4

// ofAccounts is what can be read of accounts besides.
const ofAccounts = directory.WithAttributes | directory.WithMemberOf | directory.WithNested

// entryTexts are the statements, by the place of the term and by what is read
// besides.
var entryTexts = textsOfOne()

func textsOfOne() (texts [len(entryKeys)][ofAccounts + 1]string) {
	for i, key := range entryKeys {
		for d := range ofAccounts + 1 {
			texts[i][d] = textOfOne(key.cond, d)
		}
	}
	return texts
}

// textOfOne has one row for each value of an extra attribute, and one where
// there is none.
func textOfOne(cond string, d directory.Detail) string {
	text := `SELECT ` + accountColumns + groupNames(d, directGroupNames, nestedGroupNames)
	if d&directory.WithAttributes == 0 {
		return text + ` FROM accounts a WHERE ` + cond
	}
	return text + `, COALESCE(x.name, ''), COALESCE(x.value, '') FROM accounts a
  LEFT JOIN account_attributes x ON x.account_id = a.id WHERE ` + cond + ` ORDER BY a.id, x.name_key, x.position`
}

// entryKeysOf returns what q asks for where it can be looked up term by term;
// none otherwise.
func entryKeysOf(room []entryKey, q directory.Query, d directory.Detail) []entryKey {
	if q.After != "" || len(q.AnyOf) > maxEntryKeys {
		return nil
	}
	for _, t := range q.AnyOf {
		at := slices.IndexFunc(entryKeys[:], func(k struct{ attribute, cond string }) bool { return k.attribute == t.Attribute })
		if at < 0 || t.Match != directory.Equals {
			return nil
		}
		room = append(room, entryKey{uint8(at), q.Kind, d & ofAccounts, t.Value})
	}
	return room
}

// entriesOf returns the accounts of those keys, in id order.
func (s *Store) entriesOf(ctx context.Context, keys []entryKey) (list []directory.AccountEntry, err error) {
	for _, key := range keys {
		some, err := s.entryOfOne(ctx, key)
		if err != nil {
			return nil, err
		}
		if list == nil {
			list = some
		} else {
			list = append(list, some...)
		}
	}
	if len(list) < 2 {
		return list, nil
	}
	slices.SortFunc(list, func(a, b directory.AccountEntry) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(list, func(a, b directory.AccountEntry) bool { return a.ID == b.ID }), nil
}

// oneEntry reads the accounts of a key: one, if there is any, as a rule.
func (s *Store) oneEntry(ctx context.Context, key entryKey) (list []directory.AccountEntry, err error) {
	text, d := entryTexts[key.term][key.detail], key.detail
	err = s.view(ctx, "reading an account for the directory", func(ses *session) error {
		return ses.each(text, []any{int64(key.kind), key.value}, func(r *row) error {
			e := directory.AccountEntry{Account: readAccount(r), MemberOf: readNames(r, d)}
			if n := len(list); n == 0 || list[n-1].ID != e.ID {
				list = append(list, e)
			}
			if d&directory.WithAttributes == 0 {
				return nil
			}
			if name, value := r.text(), r.text(); name != "" {
				addAttribute(&list[len(list)-1], name, value)
			}
			return nil
		})
	})
	return list, err
}

func addAttribute(e *directory.AccountEntry, name, value string) {
	if e.Attributes == nil {
		e.Attributes = map[string][]string{}
	}
	e.Attributes[name] = append(e.Attributes[name], value)
}
