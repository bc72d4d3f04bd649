package store

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"postern/directory"
	"postern/policy"
)

// trigramsIn are all that the table holds.
func trigramsIn(t testing.TB, s *Store) trigramSet {
	t.Helper()
	set := trigramSet{}
	ok(t, s.view(t.Context(), "reading all trigrams", func(ses *session) error {
		return ses.each(`SELECT attribute, trigram, block, numbers FROM trigrams`, nil, func(r *row) (err error) {
			at := trigram{r.text(), r.text(), r.int()}
			set[at], err = readBlock(r.bytes())
			return err
		})
	}))
	return set
}

// trigramsAreRight compares the table with what the values make of it.
func trigramsAreRight(t testing.TB, s *Store) {
	t.Helper()
	want := trigramSet{}
	ok(t, s.view(t.Context(), "reading all keys", func(ses *session) error { return gatherTrigrams(ses, want) }))
	for at, b := range want {
		slices.Sort(b)
		want[at] = slices.Compact(b)
	}
	got := trigramsIn(t, s)
	for at := range got {
		if !slices.Equal(got[at], want[at]) {
			t.Fatalf("%+v stands for %v, want %v", at, got[at], want[at])
		}
	}
	if len(got) != len(want) || len(got) == 0 {
		t.Fatalf("there are %d trigrams, want %d", len(got), len(want))
	}
}

func TestThreeCharactersAreCharactersAndNotBytes(t *testing.T) {
	for key, want := range map[string][]string{
		"": nil, "ab": nil, "abc": {"abc"}, "abcd": {"abc", "bcd"}, "aaaa": {"aaa", "aaa"}, "éßø": {"éßø"}, "日本語x": {"日本語", "本語x"}, "a\xffbc": {"a\xffb", "\xffbc"},
	} {
		var got []string
		trigramsOf(key, func(chars string) { got = append(got, chars) })
		if !slices.Equal(got, want) {
			t.Errorf("%q has %q, want %q", key, got, want)
		}
	}
}

// history is a random sequence of changes to accounts and groups.
type history struct {
	t      *testing.T
	s      *Store
	random *rand.Rand
	people []string // ids
	teams  []string
	n      int
}

func (h *history) id(kind string) string { h.n++; return benchID(kind, h.n) }

func (h *history) event() directory.Event {
	return directory.Event{ID: h.id("event"), At: benchStart, Kind: directory.EventAccountChanged}
}

func (h *history) word() string {
	return []string{"Anna", "Annika", "Bea Ann", "Émile Zola", "日本語 太郎", "bo", "", "ann ann", "O'Neil_x"}[h.random.IntN(9)]
}

func (h *history) values() map[string][]string {
	v := map[string][]string{"sn": {h.word()}}
	if h.random.IntN(2) == 0 {
		v["telephoneNumber"] = []string{"+49 1 " + h.word(), "0815"}
	}
	if h.random.IntN(4) == 0 {
		v["sn"] = nil
	}
	return v
}

func (h *history) person() policy.Holder {
	id := h.id("account")
	h.people = append(h.people, id)
	a := directory.Account{ID: id, Login: fmt.Sprintf("user%d", h.n), Name: h.word(), Mail: fmt.Sprintf("mail%d@example.org", h.n), Attributes: h.values()}
	if h.random.IntN(3) == 0 {
		a.UIDNumber = int64(1<<20 + h.n*5000) // in blocks of their own
	}
	return policy.Holder{Account: a}
}

func (h *history) step() {
	ctx := h.t.Context()
	some := func(list []string) string { return list[h.random.IntN(len(list))] }
	switch what := h.random.IntN(6); {
	case what == 0 || len(h.people) == 0:
		ok(h.t, h.s.AddAccount(ctx, h.person(), h.event()))
	case what == 1:
		name, mail := h.word(), fmt.Sprintf("new%d@example.org", h.n)
		ok(h.t, h.s.ChangeAccount(ctx, some(h.people), policy.AccountChange{Name: &name, Mail: &mail, Attributes: h.values()}, h.event()))
	case what == 2 && len(h.people) > 3:
		id := some(h.people)
		h.people = slices.DeleteFunc(h.people, func(o string) bool { return o == id })
		ok(h.t, h.s.DeleteAccount(ctx, id, h.event()))
	case what == 3:
		h.teams = append(h.teams, h.id("group"))
		ok(h.t, h.s.AddGroup(ctx, directory.Group{ID: h.teams[len(h.teams)-1], Name: fmt.Sprintf("team%d", h.n)}, h.event()))
	case what == 4 && len(h.teams) > 0:
		ok(h.t, h.s.DeleteGroup(ctx, h.teams[0], h.event()))
		h.teams = h.teams[1:]
	case what == 5:
		name := h.word()
		im := policy.Import{
			Changes: []policy.ImportChange{{AccountID: some(h.people), Change: policy.AccountChange{Name: &name, Attributes: h.values()}}},
			Groups:  []directory.Group{{ID: h.id("group"), Name: fmt.Sprintf("team%d", h.n)}},
		}
		for range 3 {
			im.Add = append(im.Add, h.person())
		}
		h.teams = append(h.teams, im.Groups[0].ID)
		ok(h.t, h.s.ImportAccounts(ctx, im, h.event()))
	}
}

// TestTrigramsFollowEveryChange, and a search for a part of a value finds what
// reading every value finds.
func TestTrigramsFollowEveryChange(t *testing.T) {
	h := &history{t: t, s: openHere(t, Options{Dir: t.TempDir()}), random: rand.New(rand.NewPCG(5, 6))}
	for range 120 {
		h.step()
	}
	trigramsAreRight(t, h.s)
	everybody, err := h.s.AccountEntries(t.Context(), directory.Query{}, directory.WithAttributes)
	ok(t, err)
	for _, part := range []string{"ann", "anna", "nna", "ika", "n a", "日本語", "user1", "example.org", "815", "o'neil_", "xyz", "an"} {
		for attribute, value := range map[string]func(directory.Account) []string{
			"uid":              func(a directory.Account) []string { return []string{a.Login} },
			"cn":               func(a directory.Account) []string { return []string{a.Name} },
			"mail":             func(a directory.Account) []string { return []string{a.Mail} },
			"+sn":              func(a directory.Account) []string { return a.Attributes["sn"] },
			"+telephonenumber": func(a directory.Account) []string { return a.Attributes["telephoneNumber"] },
		} {
			list, err := h.s.AccountEntries(t.Context(), directory.Query{AnyOf: []directory.Term{{Attribute: attribute, Match: directory.Contains, Value: part}}}, 0)
			ok(t, err)
			found := map[string]bool{}
			for _, e := range list {
				found[e.ID] = true
			}
			for _, e := range everybody {
				holds := slices.ContainsFunc(value(e.Account), func(v string) bool { return strings.Contains(directory.FoldText(v), part) })
				if holds && !found[e.ID] {
					t.Errorf("%s holding %q does not find %+v", attribute, part, e.Account)
				}
			}
		}
	}
}

// TestASearchForAPartLooksAtFew: of ten times as many, as many rows are read,
// and each step of the answer is one of an index.
func TestASearchForAPartLooksAtFew(t *testing.T) {
	for _, n := range []int{300, 3000} {
		s := openHere(t, Options{Dir: t.TempDir()})
		im := crowd(n)
		im.Add[7].Account.Name, im.Add[8].Account.Name = "Xaver Quisling", "Xav Erquis"
		ok(t, s.ImportAccounts(t.Context(), im, directory.Event{ID: benchID("import", 0), At: benchStart, Kind: directory.EventAccountsImported}))
		l := lookup{indexes: accountLookups, byKind: true}
		q := directory.Query{AnyOf: []directory.Term{{Attribute: "cn", Match: directory.Contains, Value: "r quis"}}}
		ok(t, s.view(t.Context(), "narrowing", func(ses *session) error {
			before := ses.ran
			err := l.narrow(ses, q.AnyOf)
			if len(l.found[q.AnyOf[0]]) != 1 || ses.ran-before > maxTrigrams {
				t.Errorf("of %d, %v come into question after %d statements", n, l.found, ses.ran-before)
			}
			return err
		}))
		text, _ := l.holders(q)
		steps := plan(t, s, text)
		if !slices.ContainsFunc(steps, func(step string) bool { return strings.Contains(step, "(uid_number=?)") }) {
			t.Errorf("the numbers are not looked up: %q", steps)
		}
		for _, step := range append(steps, plan(t, s, trigramBlocks)...) {
			if table, scans := strings.CutPrefix(step, "SCAN "); scans && !strings.HasPrefix(table, "up") {
				t.Errorf("of %d: %s", n, step)
			}
		}
		if list, err := s.Holders(t.Context(), q); err != nil || len(list) != 1 || list[0].Account.Name != "Xaver Quisling" {
			t.Errorf("found %+v (%v)", list, err)
		}
	}
}

// TestWhatManyHoldIsFoundWithoutAList of their numbers.
func TestWhatManyHoldIsFoundWithoutAList(t *testing.T) {
	s := openHere(t, Options{Dir: t.TempDir()})
	im := crowd(maxCandidates + 10)
	im.Groups, im.Events = nil, nil
	for i := range im.Add {
		im.Add[i].Groups, im.Add[i].Account.Attributes = nil, nil
	}
	ok(t, s.ImportAccounts(t.Context(), im, directory.Event{ID: benchID("import", 0), At: benchStart, Kind: directory.EventAccountsImported}))
	q, found := directory.Query{AnyOf: []directory.Term{{Attribute: "mail", Match: directory.Contains, Value: "example"}}, Limit: 1000}, 0
	for {
		list, err := s.Holders(t.Context(), q)
		ok(t, err)
		if len(list) == 0 {
			break
		}
		found, q.After = found+len(list), list[len(list)-1].Account.ID
	}
	if found != len(im.Add) {
		t.Errorf("found %d of %d", found, len(im.Add))
	}
}

func TestAnUpgradeFillsTheTrigrams(t *testing.T) {
	s := openHere(t, Options{Dir: frozen(t, "schema-0001.sql")})
	trigramsAreRight(t, s)
	list, err := s.Holders(t.Context(), directory.Query{AnyOf: []directory.Term{{Attribute: "cn", Match: directory.Contains, Value: "n le"}}})
	if err != nil || len(list) != 1 || !reflect.DeepEqual(list[0].Account.Login, "Ann") {
		t.Errorf("found %+v (%v)", list, err)
	}
}

// BenchmarkContains is a search for a part of a name, by the trigrams and, as
// for two characters, by reading the column.
func BenchmarkContains(b *testing.B) {
	n := benchAccounts()
	s := openHere(b, Options{Dir: b.TempDir()})
	fill(b, s, n)
	for name, length := range map[string]int{"six characters": 6, "two": 2} {
		b.Run(name, func(b *testing.B) {
			defer reportProcessor(b)()
			for b.Loop() {
				part := fmt.Sprintf("%06d", n-1-rand.IntN(min(n, 90)))
				_, err := s.Holders(b.Context(), directory.Query{AnyOf: []directory.Term{{Attribute: "cn", Match: directory.Contains, Value: part[6-length:]}}, Limit: 20})
				ok(b, err)
			}
		})
	}
}

// TestTrigramsTakeLessThanARowEach prints what the table takes on the disk for
// POSTERN_IMPORT_ACCOUNTS accounts with six attributes each, by default 2000,
// and what one row for each account and trigram would.
func TestTrigramsTakeLessThanARowEach(t *testing.T) {
	s := openHere(t, Options{Dir: t.TempDir()})
	im := crowd(importAccounts(2000))
	im.Events = nil
	ok(t, s.ImportAccounts(t.Context(), im, directory.Event{ID: benchID("import", 0), At: benchStart, Kind: directory.EventAccountsImported}))
	set := trigramsIn(t, s)
	pages := func(ses *session) int64 {
		ok(t, ses.script("VACUUM"))
		n, err := ses.number("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
		ok(t, err)
		return n
	}
	ok(t, s.use(t.Context(), s.write, "measuring", func(ses *session) error {
		with := pages(ses)
		ok(t, ses.script("DELETE FROM trigrams"))
		without := pages(ses)
		numbers := 0
		ok(t, ses.script("CREATE TABLE plain (attribute TEXT NOT NULL, trigram TEXT NOT NULL, number BIGINT NOT NULL, PRIMARY KEY (attribute, trigram, number))"))
		ok(t, ses.within("BEGIN", func(ses *session) error {
			for _, at := range set.sorted() {
				numbers += len(set[at])
				for _, remainder := range set[at] {
					if _, err := ses.exec("INSERT INTO plain (attribute, trigram, number) VALUES ($1, $2, $3)", at.attribute, at.chars, at.block<<blockBits|int64(remainder)); err != nil {
						return err
					}
				}
			}
			return nil
		}))
		blocks, plain := with-without, pages(ses)-without
		t.Logf("%d accounts: %d KiB without trigrams; %d numbers in %d blocks take %d KiB, as rows %d KiB",
			len(im.Add), without>>10, numbers, len(set), blocks>>10, plain>>10)
		if blocks*3 > plain {
			t.Errorf("blocks take %d bytes, rows %d", blocks, plain)
		}
		return nil
	}))
}
