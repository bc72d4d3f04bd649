package ldapsrv

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"postern/directory"
	"postern/ldapsrv/ber"
	"postern/ldapsrv/entry"
	"postern/ldapsrv/schema"
	"postern/ldapsrv/wire"
)

// sorting is a server-side sort (RFC 2891). A nil sorting is none.
type sorting struct {
	keys     []sortKey
	critical bool
	value    []byte // of the control, as it was sent
	code     wire.Code
}

type sortKey struct {
	attr    *schema.Attribute
	rule    *schema.Rule
	reverse bool
}

// Bounds of sorting.
const (
	maxSortKeys    = 8
	maxSortEntries = 20_000
)

var errTooManyToSort = errors.New("too many entries to sort")

func (s *sorting) raw() []byte {
	if s == nil {
		return nil
	}
	return s.value
}

func (s *sorting) needs(v *entry.View, k entry.Kind) (d directory.Detail) {
	if s == nil {
		return 0
	}
	for _, key := range s.keys {
		d |= v.NeedsOf(k, key.attr)
	}
	return d
}

// response is the control that says how the sorting went.
func (s *sorting) response(result wire.Result) wire.ResponseControl {
	code := s.code
	if result.Code == wire.AdminLimitExceeded {
		code = wire.AdminLimitExceeded
	}
	b, mark := ber.Begin(nil, ber.Sequence)
	b = ber.AppendInt(b, ber.Enumerated, int32(code))
	return wire.ResponseControl{OID: wire.OIDSortResponse, Value: ber.End(b, mark)}
}

// The tags within a sort key.
const (
	orderingRuleTag = ber.Tag(0x80)
	reverseTag      = ber.Tag(0x81)
)

// readSort reads the value of the control. The code says what is wrong with a
// key: noSuchAttribute for one the schema does not know, inappropriateMatching
// for one that has no order.
func readSort(value []byte) (keys []sortKey, code wire.Code, ok bool) {
	r := ber.NewReader(value)
	list, err := r.Sub(ber.Sequence)
	if err != nil || !r.Empty() || list.Empty() {
		return nil, 0, false
	}
	for !list.Empty() {
		in, err := list.Sub(ber.Sequence)
		if err != nil || len(keys) == maxSortKeys {
			return nil, 0, false
		}
		key, wrong, ok := readSortKey(&in)
		if !ok {
			return nil, 0, false
		}
		if wrong != wire.Success && code == wire.Success {
			code = wrong
		}
		keys = append(keys, key)
	}
	return keys, code, true
}

func readSortKey(r *ber.Reader) (key sortKey, code wire.Code, ok bool) {
	name, err := r.Read(ber.OctetString)
	if err != nil {
		return key, 0, false
	}
	var rule []byte
	if r.Peek() == orderingRuleTag {
		if rule, err = r.Read(orderingRuleTag); err != nil {
			return key, 0, false
		}
	}
	if r.Peek() == reverseTag {
		if key.reverse, err = r.Bool(reverseTag); err != nil {
			return key, 0, false
		}
	}
	if key.attr = schema.Find(string(name)); key.attr == nil || strings.Contains(string(name), ";") {
		return key, wire.NoSuchAttribute, true
	}
	if key.rule = schema.OrderOf(key.attr); rule != nil {
		key.rule = schema.FindRule(string(rule))
	}
	if key.rule == nil || !key.rule.For(key.attr) {
		return key, wire.InappropriateMatching, true
	}
	return key, wire.Success, true
}

// sortable is an entry that matched, by what it is sorted by.
type sortable struct {
	keys []string // normalised; noKey where the entry has none
	kind entry.Kind
	id   string
}

// noKey sorts behind every value (RFC 2891 §1.1).
const noKey = "\xff\xff\xff\xff"

// sorted gathers what matches, sorts it, and sends it in that order.
func (run *searchRun) sorted(ctx context.Context) error {
	page := run.page
	run.page = nil // gathering knows no pages
	var found []sortable
	for _, k := range stages {
		if !run.inScope(k) {
			continue
		}
		err := run.stage(ctx, k, func(e *entry.Entry, id string) error {
			if len(found) == maxSortEntries {
				return errTooManyToSort
			}
			found = append(found, sortable{run.sorting.keysOf(e, run.access.may), e.Kind, id})
			return nil
		})
		if err != nil {
			run.page = page
			return err
		}
	}
	run.page = page
	slices.SortStableFunc(found, run.sorting.compare)
	return run.sendSorted(ctx, found)
}

func (s *sorting) keysOf(e *entry.Entry, may *entry.Selection) []string {
	keys := make([]string, len(s.keys))
	for i, key := range s.keys {
		keys[i] = noKey
		if !may.Readable(key.attr, "") {
			continue
		}
		for _, v := range e.Values(key.attr) {
			if n, ok := key.rule.Normal(v); ok && n < keys[i] {
				keys[i] = n
			}
		}
	}
	return keys
}

func (s *sorting) compare(a, b sortable) int {
	for i, key := range s.keys {
		if c := strings.Compare(a.keys[i], b.keys[i]); c != 0 {
			if key.reverse {
				return -c
			}
			return c
		}
	}
	return cmp.Or(cmp.Compare(a.kind, b.kind), strings.Compare(a.id, b.id))
}

// sendSorted reads what was found again, in runs of one kind, and sends it in
// its order. A page begins behind those of the pages before.
func (run *searchRun) sendSorted(ctx context.Context, found []sortable) error {
	found = found[min(run.page.before(), len(found)):]
	if run.page != nil && run.page.size < len(found) {
		run.page.more = true
		found = found[:run.page.size]
	}
	for len(found) > 0 {
		n := 1
		for n < len(found) && n < batchSize && found[n].kind == found[0].kind {
			n++
		}
		if err := run.sendRun(ctx, found[:n]); err != nil {
			return err
		}
		found = found[n:]
	}
	return nil
}

func (run *searchRun) sendRun(ctx context.Context, found []sortable) error {
	k := found[0].kind
	at := make(map[string]*entry.Entry, len(found))
	keep := func(e *entry.Entry, id string) error {
		kept := *e
		at[id] = &kept
		return nil
	}
	if k < entry.Person {
		if err := run.container(ctx, k, keep); err != nil {
			return err
		}
	} else {
		q := directory.Query{Limit: len(found) + 1}
		for _, f := range found {
			q.AnyOf = append(q.AnyOf, directory.Term{Attribute: "id", Value: f.id})
		}
		if _, _, err := run.batch(ctx, k, q, keep); err != nil {
			return err
		}
	}
	for _, f := range found {
		e := at[f.id]
		if e == nil {
			continue // gone meanwhile, or changed so that it matches no more
		}
		if err := run.emitUncut(e, f.id); err != nil {
			return err
		}
	}
	return nil
}
