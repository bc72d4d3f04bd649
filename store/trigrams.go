package store

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"postern/directory"
	"postern/policy"
)

const (
	trigramBlocks = `SELECT block, numbers FROM trigrams WHERE attribute = $1 AND trigram = $2 ORDER BY block`
	trigramRead   = `SELECT numbers FROM trigrams WHERE attribute = $1 AND trigram = $2 AND block = $3`
	trigramWrite  = `INSERT INTO trigrams (attribute, trigram, block, numbers) VALUES ($1, $2, $3, $4)
  ON CONFLICT (attribute, trigram, block) DO UPDATE SET numbers = excluded.numbers`
	trigramDelete = `DELETE FROM trigrams WHERE attribute = $1 AND trigram = $2 AND block = $3`

	accountKeys = `SELECT 'uid', login_key, uid_number FROM accounts WHERE id = $1
  UNION ALL SELECT 'cn', name_key, uid_number FROM accounts WHERE id = $1
  UNION ALL SELECT 'mail', mail_key, uid_number FROM accounts WHERE id = $1 AND mail_key IS NOT NULL
  UNION ALL SELECT '+' || x.name_key, x.value_key, a.uid_number FROM account_attributes x
    JOIN accounts a ON a.id = x.account_id WHERE x.account_id = $1`
	groupKeys = `SELECT 'group', name_key, gid_number FROM groups WHERE id = $1`
)

const (
	// trigramGroups is what the names of groups stand under.
	trigramGroups = "group"
	// trigramLen is the shortest part of a value that is looked up by them.
	trigramLen = 3
	// maxTrigrams is how many of a value's are looked up at most.
	maxTrigrams = 8
	// maxCandidates is how many numbers a statement lists; of more, the column
	// is read.
	maxCandidates = 4096
)

// trigram is where a value's three characters in a row are kept: under the
// attribute, in the block of the number.
type trigram struct {
	attribute, chars string
	block            int64
}

func (t trigram) compare(o trigram) int {
	return cmp.Or(strings.Compare(t.attribute, o.attribute), strings.Compare(t.chars, o.chars), cmp.Compare(t.block, o.block))
}

// trigramsOf calls yield for each three characters in a row of key, more than
// once for those that stand there more than once.
func trigramsOf(key string, yield func(chars string)) {
	for first := 0; ; {
		end := first
		for range trigramLen {
			_, size := utf8.DecodeRuneInString(key[end:])
			if size == 0 {
				return
			}
			end += size
		}
		yield(key[first:end])
		_, size := utf8.DecodeRuneInString(key[first:])
		first += size
	}
}

// keys are the normalised values of an account or group, by the name they are
// kept under.
type keys struct {
	number int64
	values []struct{ attribute, key string }
}

func (k *keys) add(attribute, key string) {
	k.values = append(k.values, struct{ attribute, key string }{attribute, key})
}

// trigrams are all of them.
func (k *keys) trigrams() map[trigram]struct{} {
	set := map[trigram]struct{}{}
	in, _ := place(k.number)
	for _, v := range k.values {
		trigramsOf(v.key, func(chars string) { set[trigram{v.attribute, chars, in}] = struct{}{} })
	}
	return set
}

// keysOf reads the keys that the account or group of that id has now: those of
// accountKeys or groupKeys.
func keysOf(ses *session, text, id string) (k keys, err error) {
	err = ses.each(text, []any{id}, func(r *row) error {
		attribute, key := r.text(), r.text()
		k.number = r.int()
		k.add(attribute, key)
		return nil
	})
	return k, err
}

// keysOfHolder are the keys of an account that is to be added.
func keysOfHolder(h policy.Holder, login, mail string) (k keys) {
	k.number = h.Account.UIDNumber
	k.add("uid", login)
	k.add("cn", directory.FoldText(h.Account.Name))
	k.add("mail", mail)
	for name, values := range h.Account.Attributes {
		for _, v := range values {
			k.add(directory.ExtraAttribute+directory.FoldText(name), directory.FoldText(v))
		}
	}
	return k
}

// indexed runs change, which changes the values of the account or group of that
// id, and lets its trigrams follow.
func indexed(ses *session, text, id string, change func() error) error {
	old, err := keysOf(ses, text, id)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	now, err := keysOf(ses, text, id)
	if err != nil {
		return err
	}
	return reindex(ses, old, now)
}

// reindex takes the trigrams out that only old has, and puts in those that only
// now has.
func reindex(ses *session, old, now keys) error {
	gone, come := old.trigrams(), now.trigrams()
	for t := range come {
		if _, stays := gone[t]; stays {
			delete(gone, t)
			delete(come, t)
		}
	}
	for _, t := range slices.SortedFunc(maps.Keys(gone), trigram.compare) {
		if err := dropTrigram(ses, t, old.number); err != nil {
			return err
		}
	}
	_, remainder := place(now.number)
	for _, t := range slices.SortedFunc(maps.Keys(come), trigram.compare) {
		if err := addTrigram(ses, t, block{remainder}); err != nil {
			return err
		}
	}
	return nil
}

func readTrigram(ses *session, t trigram) (b block, err error) {
	err = ses.each(trigramRead, []any{t.attribute, t.chars, t.block}, func(r *row) error {
		b, err = readBlock(r.bytes())
		return err
	})
	return b, err
}

// addTrigram adds numbers of t's block to those that are there.
func addTrigram(ses *session, t trigram, numbers block) error {
	b, err := readTrigram(ses, t)
	if err != nil {
		return err
	}
	return storeTrigram(ses, t, b.with(numbers))
}

func dropTrigram(ses *session, t trigram, number int64) error {
	b, err := readTrigram(ses, t)
	if err != nil || len(b) == 0 {
		return err
	}
	_, remainder := place(number)
	return storeTrigram(ses, t, b.without(remainder))
}

// storeTrigram puts numbers in place of those that are there.
func storeTrigram(ses *session, t trigram, numbers block) (err error) {
	if len(numbers) > 0 {
		_, err = ses.exec(trigramWrite, t.attribute, t.chars, t.block, numbers.bytes())
		return err
	}
	_, err = ses.exec(trigramDelete, t.attribute, t.chars, t.block)
	return err
}

// trigramSet gathers the trigrams of many accounts, to be written together.
type trigramSet map[trigram]block

// add takes in one account or group. They may come in any order.
func (s trigramSet) add(k keys) {
	in, remainder := place(k.number)
	for _, v := range k.values {
		trigramsOf(v.key, func(chars string) {
			t := trigram{v.attribute, chars, in}
			if b := s[t]; len(b) == 0 || b[len(b)-1] != remainder {
				s[t] = append(b, remainder)
			}
		})
	}
}

// sorted are the trigrams in the order of the table.
func (s trigramSet) sorted() []trigram { return slices.SortedFunc(maps.Keys(s), trigram.compare) }

// write adds those of list to the table.
func (s trigramSet) write(ses *session, list []trigram) error {
	for _, t := range list {
		if err := addTrigram(ses, t, s[t]); err != nil {
			return err
		}
	}
	return nil
}

const everyKey = `SELECT 'uid', login_key, uid_number FROM accounts
  UNION ALL SELECT 'cn', name_key, uid_number FROM accounts
  UNION ALL SELECT 'mail', mail_key, uid_number FROM accounts WHERE mail_key IS NOT NULL
  UNION ALL SELECT '+' || x.name_key, x.value_key, a.uid_number FROM account_attributes x JOIN accounts a ON a.id = x.account_id
  UNION ALL SELECT 'group', name_key, gid_number FROM groups`

// fillTrigrams is the part of a migration that SQL cannot say.
func fillTrigrams(ses *session) error {
	set := trigramSet{}
	if err := gatherTrigrams(ses, set); err != nil {
		return err
	}
	return set.write(ses, set.sorted())
}

// gatherTrigrams adds those of everybody to set.
func gatherTrigrams(ses *session, set trigramSet) error {
	return ses.each(everyKey, nil, func(r *row) error {
		attribute, key := r.text(), r.text()
		k := keys{number: r.int()}
		k.add(attribute, key)
		set.add(k)
		return nil
	})
}
