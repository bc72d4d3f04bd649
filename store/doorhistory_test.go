package store

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// TestAMemoryAnswersAsAStoreWithoutOne does, through a history of changes by
// this process, by another Store and by other tools, with everything that moves
// no mark, moves one or moves what is remembered along, in any order.
func TestAMemoryAnswersAsAStoreWithoutOne(t *testing.T) {
	histories, steps := 12, 400
	if testing.Short() {
		histories, steps = 4, 200
	}
	for seed := range uint64(histories) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { newDoorHistory(t, seed).run(steps) })
	}
}

// doorHistory is a Store with a memory, one that only others use, and what has
// happened.
type doorHistory struct {
	doorOf
	dir      string
	other    *Store
	random   *rand.Rand
	now      time.Time
	accounts []string
	digests  []secret.Digest
	owners   map[secret.Digest]int
	log      []string

	questions, queries int
}

func newDoorHistory(t *testing.T, seed uint64) *doorHistory {
	dir := t.TempDir()
	h := &doorHistory{doorOf: doorOf{t, openHere(t, Options{Dir: dir})}, dir: dir, other: openHere(t, Options{Dir: dir}),
		random: rand.New(rand.NewPCG(seed, 1)), now: time.Now(), owners: map[secret.Digest]int{}}
	h.s.doors.clock = func() time.Time { return h.now }
	for i := range 4 {
		h.accounts = append(h.accounts, benchID("account", i))
		h.add(i)
	}
	return h
}

func (h *doorHistory) login(i int) string { return []string{"ann", "bob", "cat", "dan"}[i] }

func (h *doorHistory) add(i int) {
	err := h.anyStore().AddAccount(h.t.Context(), policy.Holder{Account: directory.Account{
		ID: h.accounts[i], Login: h.login(i), Mail: h.login(i) + "@example.net"}}, doorEvent())
	h.may(err)
}

// may accepts that something is there already or no more.
func (h *doorHistory) may(err error) {
	h.t.Helper()
	if err != nil && !strings.Contains(err.Error(), directory.ErrNotFound.Error()) && !strings.Contains(err.Error(), directory.ErrConflict.Error()) {
		h.t.Fatal(err, h.log)
	}
}

func (h *doorHistory) anyStore() *Store {
	if h.random.IntN(2) == 0 {
		return h.other
	}
	return h.s
}

func (h *doorHistory) account() string { return h.accounts[h.random.IntN(len(h.accounts))] }

func (h *doorHistory) digest() secret.Digest {
	if len(h.digests) == 0 || h.random.IntN(20) == 0 {
		return secret.Digest{1, 1}
	}
	return h.digests[max(0, len(h.digests)-1-h.random.IntN(5))]
}

// doorSteps are what may happen, each as often as it stands here.
var doorSteps = []struct {
	name string
	do   func(*doorHistory)
}{
	{"events", (*doorHistory).events},
	{"events", (*doorHistory).events},
	{"uses", (*doorHistory).uses},
	{"uses", (*doorHistory).uses},
	{"time", func(h *doorHistory) { h.now = h.now.Add(time.Duration(h.random.IntN(20)) * time.Second) }},
	{"issue", (*doorHistory).issue},
	{"issue", (*doorHistory).issue},
	{"issue", (*doorHistory).issue},
	{"issue", (*doorHistory).issue},
	{"revoke", func(h *doorHistory) {
		_, err := h.anyStore().RevokeAppPasswords(h.t.Context(), h.account(), "", doorEvent())
		h.may(err)
	}},
	{"disable or enable", func(h *doorHistory) {
		disabled := h.random.IntN(2) == 0
		h.may(h.anyStore().ChangeAccount(h.t.Context(), h.account(), policy.AccountChange{Disabled: &disabled}, doorEvent()))
	}},
	{"mail", func(h *doorHistory) {
		mail := h.login(h.random.IntN(4)) + "@example.net" // of two, perhaps
		h.may(h.anyStore().ChangeAccount(h.t.Context(), h.account(), policy.AccountChange{Mail: &mail}, doorEvent()))
	}},
	{"delete", func(h *doorHistory) {
		i := h.random.IntN(4)
		h.may(h.anyStore().DeleteAccount(h.t.Context(), h.accounts[i], doorEvent()))
		h.question()
		h.add(i) // another account of that login, with the same id
	}},
	{"setting", func(h *doorHistory) { ok(h.t, h.anyStore().SetMeta(h.t.Context(), "x", fmt.Sprint(h.random.IntN(3)))) }},
	{"other tools", func(h *doorHistory) {
		run(h.t, h.dir, []string{"UPDATE app_passwords SET services = 'vpn'", "UPDATE app_passwords SET expires_at = expires_at + 1", "VACUUM",
			"UPDATE accounts SET login = upper(login)", "DELETE FROM app_passwords WHERE rowid % 5 = 0", "PRAGMA wal_checkpoint(TRUNCATE)"}[h.random.IntN(6)])
	}},
	{"filing", func(h *doorHistory) {
		how := []string{"PASSIVE", "RESTART", "TRUNCATE"}[h.random.IntN(3)]
		beginAnew(h.t, h.s, how)
	}},
	{"events and a change before they are done", func(h *doorHistory) {
		account := h.account()
		h.interleave(h.random.IntN(2) == 0, func() {
			_, err := h.other.RevokeAppPasswords(h.t.Context(), account, "", doorEvent())
			h.may(err)
		})
	}},
}

func (h *doorHistory) events() {
	ok(h.t, h.anyStore().AppendEvents(h.t.Context(), []directory.Event{doorEvent()}))
}

func (h *doorHistory) uses() {
	at := benchStart.Add(time.Duration(h.random.IntN(5)) * time.Second)
	digest := h.digest()
	ok(h.t, h.anyStore().TouchAppPasswords(h.t.Context(), []policy.Use{{Credential: benchID(fmt.Sprintf("of %x", digest[:]), 0), At: at}}))
}

func (h *doorHistory) issue() {
	digest, owner := secret.Digest{2, byte(len(h.digests)), byte(len(h.digests) >> 8)}, h.random.IntN(4)
	err := h.anyStore().IssueAppPassword(h.t.Context(), policy.Holding{Digest: digest, Credential: directory.AppPassword{
		ID: benchID(fmt.Sprintf("of %x", digest[:]), 0), AccountID: h.accounts[owner], Services: []string{"mail"}}}, policy.Limit{}, doorEvent())
	h.may(err)
	if err == nil {
		h.digests, h.owners[digest] = append(h.digests, digest), owner
	}
}

// run takes steps and asks after each.
func (h *doorHistory) run(steps int) {
	for range steps {
		step := doorSteps[h.random.IntN(len(doorSteps))]
		h.log = append(h.log, step.name)
		step.do(h)
		for range 1 + h.random.IntN(6) {
			h.question()
		}
		if h.t.Failed() {
			h.t.Fatal(h.log[max(0, len(h.log)-10):])
		}
	}
	h.t.Logf("%d queries for %d questions", h.queries, h.questions)
	if remembered := h.questions - h.queries; remembered < h.questions/10 {
		h.t.Errorf("%d queries for %d questions", h.queries, h.questions)
	}
}

// question asks about one of few digests, mostly under a name of its account.
// doorOf.ask holds the answer to what a query finds; the last use is held to its
// bounds here.
func (h *doorHistory) question() {
	digests := []secret.Digest{h.digest()}
	whose := h.owners[digests[0]]
	if h.random.IntN(5) == 0 {
		whose = h.random.IntN(4)
	}
	typed := h.login(whose) + []string{"", "", "@example.net", "@example.org"}[h.random.IntN(4)]
	if h.random.IntN(8) == 0 {
		typed = ""
	}
	if h.random.IntN(8) == 0 {
		digests = append(digests, secret.Digest{3})
	}
	for range 2 {
		got, n := h.ask(typed, digests...)
		h.questions, h.queries = h.questions+1, h.queries+n
		if again, err := h.s.readAppPassword(h.t.Context(), digests, directory.ParseName(typed, directory.AnyName, "example.org")); err == nil &&
			(got.Credential.LastUsedAt.After(again.Credential.LastUsedAt) || n > 0 && !reflect.DeepEqual(got, again)) {
			h.t.Errorf("last used at %v, a query gives %v", got.Credential.LastUsedAt, again.Credential.LastUsedAt)
		}
	}
}
