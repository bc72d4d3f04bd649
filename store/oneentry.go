package store

import (
	"context"

	"postern/directory"
)

// Most searches look for one person by login. They are answered by one
// statement, whatever is read besides, whose text is made beforehand.

// entryKeys are the terms that one account at most meets, with the condition
// that is asked of it. $1 is the kind.
var entryKeys = map[string]string{
	"uid": "a.kind = $1 AND a.login_key = $2",
	"id":  "a.kind = $1 AND a.id = $2",
}

// ofAccounts is what can be read of accounts besides.
const ofAccounts = directory.WithAttributes | directory.WithMemberOf | directory.WithNested

// entryTexts are the statements by term and by what is read besides.
var entryTexts = textsOfOne()

func textsOfOne() map[string]*[ofAccounts + 1]string {
	texts := make(map[string]*[ofAccounts + 1]string, len(entryKeys))
	for name, cond := range entryKeys {
		texts[name] = new([ofAccounts + 1]string)
		for d := range ofAccounts + 1 {
			texts[name][d] = textOfOne(cond, d)
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

// ofOne returns the statement for q, where it can select one account at most.
func ofOne(q directory.Query, d directory.Detail) (text string, ok bool) {
	if len(q.AnyOf) != 1 || q.AnyOf[0].Match != directory.Equals || q.After != "" {
		return "", false
	}
	texts := entryTexts[q.AnyOf[0].Attribute]
	if texts == nil {
		return "", false
	}
	return texts[d&ofAccounts], true
}

// oneEntry reads the account that text selects, if there is one.
func (s *Store) oneEntry(ctx context.Context, text string, q directory.Query, d directory.Detail) (list []directory.AccountEntry, err error) {
	err = s.view(ctx, "reading an account for the directory", func(ses *session) error {
		return ses.each(text, []any{int64(q.Kind), q.AnyOf[0].Value}, func(r *row) error {
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
