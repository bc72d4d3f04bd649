package store

import (
	"context"

	"postern/directory"
)

// Most searches look for one person by login. They are answered by one
// statement, whatever is read besides, whose text is made beforehand.

// entryKeys are the terms that one account at most meets, with the condition
// that is asked of it. $1 is the kind.
var entryKeys = [...]struct{ attribute, cond string }{
	{"uid", "a.kind = $1 AND a.login_key = $2"},
	{"id", "a.kind = $1 AND a.id = $2"},
}

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
  LEFT JOIN account_attributes x ON x.account_id = a.id WHERE ` + cond + ` ORDER BY x.name_key, x.position`
}

// ofOne returns the place of the term of q, where it can select one account at
// most.
func ofOne(q directory.Query) (term int, ok bool) {
	if len(q.AnyOf) != 1 || q.AnyOf[0].Match != directory.Equals || q.After != "" {
		return 0, false
	}
	for i, key := range entryKeys {
		if key.attribute == q.AnyOf[0].Attribute {
			return i, true
		}
	}
	return 0, false
}

// oneEntry reads the account of that key, if there is one.
func (s *Store) oneEntry(ctx context.Context, key entryKey) (list []directory.AccountEntry, err error) {
	text, d := entryTexts[key.term][key.detail], key.detail
	err = s.view(ctx, "reading an account for the directory", func(ses *session) error {
		return ses.each(text, []any{int64(key.kind), key.value}, func(r *row) error {
			e := directory.AccountEntry{Account: readAccount(r), MemberOf: readNames(r, d)}
			if list == nil {
				list = []directory.AccountEntry{e}
			}
			if d&directory.WithAttributes == 0 {
				return nil
			}
			if name, value := r.text(), r.text(); name != "" {
				addAttribute(&list[0], name, value)
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
