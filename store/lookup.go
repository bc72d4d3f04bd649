package store

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"postern/directory"
)

// An index answers terms on one attribute: a text that selects ids, to which a
// condition on column is appended.
type index struct {
	from    string // "$K" stands for the kind
	column  string
	numeric bool
}

var accountLookups = map[string]index{
	"id":        {"SELECT id FROM accounts WHERE ", "id", false},
	"uid":       {"SELECT id FROM accounts WHERE kind = $K AND ", "login_key", false},
	"cn":        {"SELECT id FROM accounts WHERE kind = $K AND ", "name_key", false},
	"mail":      {"SELECT id FROM accounts WHERE kind = $K AND ", "mail_key", false},
	"uidnumber": {"SELECT id FROM accounts WHERE ", "uid_number", true},
	"modified":  {"SELECT id FROM accounts WHERE ", "modified_at", true},
	"memberof": {"SELECT ga.account_id FROM group_accounts ga JOIN groups g ON g.id = ga.group_id WHERE ",
		"g.name_key", false},
}

var groupLookups = map[string]index{
	"id":        {"SELECT id FROM groups WHERE ", "id", false},
	"cn":        {"SELECT id FROM groups WHERE ", "name_key", false},
	"gidnumber": {"SELECT id FROM groups WHERE ", "gid_number", true},
	"modified":  {"SELECT id FROM groups WHERE ", "modified_at", true},
	"memberof": {"SELECT gg.member_group_id FROM group_groups gg JOIN groups p ON p.id = gg.group_id WHERE ",
		"p.name_key", false},
	"account": {"SELECT ga.group_id FROM group_accounts ga JOIN accounts a ON a.id = ga.account_id WHERE a.kind = 0 AND ",
		"a.login_key", false},
	"service": {"SELECT ga.group_id FROM group_accounts ga JOIN accounts a ON a.id = ga.account_id WHERE a.kind = 1 AND ",
		"a.login_key", false},
	"group": {"SELECT gg.group_id FROM group_groups gg JOIN groups m ON m.id = gg.member_group_id WHERE ",
		"m.name_key", false},
}

// extraFrom answers terms on an extra attribute.
const extraFrom = "SELECT account_id FROM account_attributes WHERE name_key = "

// maxBranches is how many selects may be joined to one, and maxValues how many
// values an IN may list; beyond them everything is selected.
const (
	maxBranches = 32
	maxValues   = 4096
)

// lookup puts together the clauses of a listing. The ids of what the terms
// select are gathered first, each term by its own index, because SQLite
// answers an OR, and a range that is to come in another order, by reading
// everything.
type lookup struct {
	indexes map[string]index
	byKind  bool
	kind    int64
	args    []any
	found   map[directory.Term][]int64 // by narrow
}

func (l *lookup) arg(v any) string {
	l.args = append(l.args, v)
	return "$" + strconv.Itoa(len(l.args))
}

// clauses returns all that stands behind FROM, for the table of that alias.
func (l *lookup) clauses(alias string, q directory.Query) string {
	var conds []string
	id := alias + ".id"
	kind := ""
	if l.byKind {
		kind = l.arg(l.kind)
		// The sign keeps the kind away from the indexes: almost everybody is
		// of one kind, and ids come in order already.
		conds = append(conds, "+"+alias+".kind = "+kind)
	}
	if ids := l.ids(q.AnyOf, kind); ids != "" {
		conds = append(conds, id+" IN ("+ids+")")
	}
	if q.After != "" {
		conds = append(conds, id+" > "+l.arg(q.After))
	}
	where := ""
	if len(conds) > 0 {
		where = " WHERE " + strings.Join(conds, " AND ")
	}
	return where + " ORDER BY " + id + limitTo(q.Limit)
}

// ids selects the ids that any of the terms selects; "" stands for all.
func (l *lookup) ids(terms []directory.Term, kind string) string {
	kept := len(l.args)
	equal, order := map[string][]any{}, []string(nil)
	var branches []string
	for _, t := range terms {
		ix, ok := l.indexOf(t.Attribute)
		value, valid := ix.value(t.Value)
		switch {
		case !ok || !valid && t.Match != directory.Present:
			l.args = l.args[:kept]
			return ""
		case t.Match == directory.Equals:
			if equal[t.Attribute] == nil {
				order = append(order, t.Attribute)
			}
			equal[t.Attribute] = append(equal[t.Attribute], value)
		case l.found[t] != nil:
			branches = append(branches, l.numbered(t, ix))
		default:
			branches = append(branches, l.from(t.Attribute, kind)+l.condition(ix, t, value))
		}
	}
	for _, name := range order {
		ix, _ := l.indexOf(name)
		branches = append(branches, l.from(name, kind)+ix.column+" IN ("+l.list(equal[name])+")")
	}
	if len(branches) > maxBranches || len(l.args) > maxValues {
		l.args = l.args[:kept]
		return ""
	}
	return strings.Join(branches, " UNION ")
}

func (l *lookup) list(values []any) string {
	marks := make([]string, len(values))
	for i, v := range values {
		marks[i] = l.arg(v)
	}
	return strings.Join(marks, ", ")
}

func (l *lookup) indexOf(attribute string) (index, bool) {
	if l.byKind && strings.HasPrefix(attribute, directory.ExtraAttribute) {
		return index{from: extraFrom, column: "value_key"}, true
	}
	ix, ok := l.indexes[attribute]
	return ix, ok
}

// from is the beginning of the branch of an attribute.
func (l *lookup) from(attribute, kind string) string {
	if name, extra := strings.CutPrefix(attribute, directory.ExtraAttribute); extra && l.byKind {
		return extraFrom + l.arg(name) + " AND "
	}
	return strings.Replace(l.indexes[attribute].from, "$K", kind, 1)
}

// value turns the value of a term into that of the column.
func (ix index) value(v string) (any, bool) {
	if !ix.numeric {
		return v, true
	}
	n, err := strconv.ParseInt(v, 10, 64)
	return n, err == nil
}

// condition is what a term other than Equals demands of the column.
func (l *lookup) condition(ix index, t directory.Term, value any) string {
	switch {
	case t.Match == directory.AtLeast:
		return ix.column + " >= " + l.arg(value)
	case t.Match == directory.AtMost:
		return ix.column + " <= " + l.arg(value)
	case t.Match == directory.Prefix && !ix.numeric:
		return ix.column + " >= " + l.arg(value) + " AND " + ix.column + " < " + l.arg(t.Value+string(utf8.MaxRune))
	case t.Match == directory.Contains && !ix.numeric:
		return ix.column + " LIKE " + l.arg("%"+escapeLike(t.Value)+"%") + ` ESCAPE '\'`
	}
	return ix.column + " IS NOT NULL"
}
