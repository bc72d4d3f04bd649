package store

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"postern/directory"
)

// narrow looks the terms that are for a part of a value up in the trigrams,
// so that clauses can name the few numbers that come into question. It is called
// before clauses, on the same connection.
func (l *lookup) narrow(ses *session, terms []directory.Term) error {
	for _, t := range terms {
		kept, ok := l.keptUnder(t)
		if !ok {
			continue
		}
		numbers, few, err := numbersWith(ses, kept, t.Value)
		if err != nil {
			return err
		}
		if few {
			if l.found == nil {
				l.found = map[directory.Term][]int64{}
			}
			l.found[t] = append([]int64{}, numbers...) // not nil
		}
	}
	return nil
}

// keptUnder is the attribute of the trigrams that can answer t.
func (l *lookup) keptUnder(t directory.Term) (attribute string, ok bool) {
	if t.Match != directory.Contains || utf8.RuneCountInString(t.Value) < trigramLen {
		return "", false
	}
	switch {
	case l.byKind && strings.HasPrefix(t.Attribute, directory.ExtraAttribute):
		return t.Attribute, true
	case l.byKind && slices.Contains([]string{"uid", "cn", "mail"}, t.Attribute):
		return t.Attribute, true
	case !l.byKind && t.Attribute == "cn":
		return trigramGroups, true
	}
	return "", false
}

// numbered is the branch of a term that was looked up. What the numbers stand
// for may hold the characters in another order: where a column has the value,
// it is compared.
func (l *lookup) numbered(t directory.Term, ix index) string {
	from := "SELECT id FROM accounts WHERE uid_number IN ("
	if !l.byKind {
		from = "SELECT id FROM groups WHERE gid_number IN ("
	}
	text := from + joinNumbers(l.found[t]) + ")"
	if strings.HasPrefix(t.Attribute, directory.ExtraAttribute) {
		return text
	}
	return text + " AND " + l.condition(ix, t, t.Value)
}

// joinNumbers lists numbers as they stand in SQL; NULL is in no list.
func joinNumbers(numbers []int64) string {
	if len(numbers) == 0 {
		return "NULL"
	}
	text := make([]byte, 0, 8*len(numbers))
	for i, n := range numbers {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, n, 10)
	}
	return string(text)
}

// numbersWith are the numbers of what may hold value: which have all of its
// trigrams. few is false where there are too many to be listed.
func numbersWith(ses *session, attribute, value string) (numbers []int64, few bool, err error) {
	left, asked := map[int64]block(nil), map[string]bool{}
	trigramsOf(value, func(chars string) {
		if err != nil || asked[chars] || len(asked) == maxTrigrams || left != nil && len(left) == 0 {
			return
		}
		asked[chars] = true
		left, err = shared(ses, attribute, chars, left)
	})
	if err != nil {
		return nil, false, err
	}
	for in, b := range left {
		for _, remainder := range b {
			numbers = append(numbers, in<<blockBits|int64(remainder))
		}
		if len(numbers) > maxCandidates {
			return nil, false, nil
		}
	}
	slices.Sort(numbers)
	return numbers, true, nil
}

// shared are the numbers under one trigram that are in left as well; nil stands
// for all.
func shared(ses *session, attribute, chars string, left map[int64]block) (map[int64]block, error) {
	next := map[int64]block{}
	err := ses.each(trigramBlocks, []any{attribute, chars}, func(r *row) error {
		in := r.int()
		if left != nil && left[in] == nil {
			return nil
		}
		b, err := readBlock(r.bytes())
		if left != nil {
			b = b.both(left[in])
		}
		if len(b) > 0 {
			next[in] = b
		}
		return err
	})
	return next, err
}
