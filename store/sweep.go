package store

import "context"

const (
	trigramsAfter = `SELECT attribute, trigram, block, numbers FROM trigrams
  WHERE (attribute, trigram, block) > ($1, $2, $3) ORDER BY attribute, trigram, block LIMIT $4`
	uidNumbers = `SELECT uid_number FROM accounts ORDER BY uid_number`
	gidNumbers = `SELECT gid_number FROM groups ORDER BY gid_number`
)

// sweepTrigrams takes all numbers out of the trigrams that are nobody's, as an
// import leaves them that was broken off.
func sweepTrigrams(ctx context.Context, ses *session) error {
	for at, more := (trigram{}), true; more; {
		err := step(ctx, ses, func(ses *session) (err error) {
			at, more, err = sweepSome(ses, at)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sweepSome goes on behind at. Who is there is read each time: others add
// accounts between two steps.
func sweepSome(ses *session, at trigram) (last trigram, more bool, err error) {
	accounts, err := blocksOf(ses, uidNumbers)
	if err != nil {
		return at, false, err
	}
	groups, err := blocksOf(ses, gidNumbers)
	if err != nil {
		return at, false, err
	}
	had, kept := map[trigram]int{}, trigramSet{}
	err = ses.each(trigramsAfter, []any{at.attribute, at.chars, at.block, importStep}, func(r *row) error {
		last = trigram{r.text(), r.text(), r.int()}
		b, err := readBlock(r.bytes())
		there := accounts
		if last.attribute == trigramGroups {
			there = groups
		}
		had[last], kept[last] = len(b), b.both(there[last.block])
		return err
	})
	if err != nil {
		return at, false, err
	}
	for t, n := range had {
		if len(kept[t]) == n {
			continue
		}
		if err := storeTrigram(ses, t, kept[t]); err != nil {
			return at, false, err
		}
	}
	return last, len(had) == importStep, nil
}

// blocksOf reads numbers in rising order.
func blocksOf(ses *session, text string) (map[int64]block, error) {
	there := map[int64]block{}
	err := ses.each(text, nil, func(r *row) error {
		in, remainder := place(r.int())
		there[in] = append(there[in], remainder)
		return nil
	})
	return there, err
}
