package store

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"postern/directory"
)

// TestPointReadsScanNothing: what is asked at every attempt, and at every
// change, is answered by indexes whatever the size of the tables.
func TestPointReadsScanNothing(t *testing.T) {
	s := openHere(t, Options{Dir: t.TempDir()})
	texts := map[string]string{
		"holderByID": holderByID, "holderByLogin": holderByLogin, "holderByName": holderByName, "accountByID": accountByID,
		"appPasswordsOf": appPasswordsOf, "appPasswordsSealedOf": appPasswordsSealedOf, "appPasswordsLive": appPasswordsLive,
		"appPasswordRevoke": appPasswordRevoke, "appPasswordsRevoke": appPasswordsRevoke, "appPasswordUsed": appPasswordUsed,
		"holdingsOf": holdingsOf, "groupByName": groupByName, "groupMembers": groupMembers, "accountMembers": accountMembers,
		"groupHolds": groupHolds, "methodsOf": methodsOf, "codeSpend": codeSpend, "codesLeft": codesLeft, "counterGet": counterGet,
		"counterBump": counterBump, "eventPosition": eventPosition, "eventRecount": eventRecount, "eventsExpire": eventsExpire, "accountDelete": accountDelete,
		"simple name": appPasswordSimply[1], "simple name, two keys": appPasswordSimply[2],
		"sealedHashes": sealedHashes, "sealedCount": sealedCount, "hashReplace": hashReplace,
		"any name": appPasswordAlone[1], "any name, two keys": appPasswordAlone[2],
	}
	for name, f := range map[string]directory.EventFilter{
		"events":            {},
		"events of one":     {AccountID: "x"},
		"events of a kind":  {Kinds: []directory.EventKind{directory.EventSignIn}},
		"events since":      {Since: fromSeconds(1)},
		"events of one now": {AccountID: "x", Since: fromSeconds(1)},
	} {
		ok(t, s.view(t.Context(), "building", func(ses *session) (err error) {
			texts[name], _, err = eventsQuery(ses, f)
			return err
		}))
	}
	for name, list := range map[string][]directory.Term{
		"everybody":         nil,
		"search":            {{Attribute: "uid", Match: directory.Equals}},
		"search of several": {{Attribute: "uid", Match: directory.Equals}, {Attribute: "mail", Match: directory.Equals}, {Attribute: "cn", Match: directory.Prefix}},
	} {
		q := directory.Query{AnyOf: list, After: "x"}
		l := holderLookup(q)
		ok(t, s.view(t.Context(), "narrowing", func(ses *session) error { return l.narrow(ses, list) }))
		texts[name], _ = l.holders(q)
	}
	for i, key := range entryKeys {
		for d := range ofAccounts + 1 {
			texts[fmt.Sprintf("entry by %s with %d", key.attribute, d)] = entryTexts[i][d]
		}
	}
	for name, text := range texts {
		for _, step := range plan(t, s, text) {
			isEvents := strings.HasPrefix(name, "events ") || name == "events"
			ordered := isEvents && strings.Contains(step, "USING INDEX events_") ||
				name == "sealedCount" && strings.HasSuffix(step, "INDEX accounts_sealed") // which holds nobody else
			if table, scans := strings.CutPrefix(step, "SCAN "); scans && !ordered && !strings.HasPrefix(table, "up") && !strings.HasPrefix(table, "down") {
				t.Errorf("%s: %s", name, step)
			}
			if !isEvents && strings.HasSuffix(step, "(kind=?)") {
				t.Errorf("%s walks all of a kind: %s", name, step)
			}
			if (isEvents || name == "everybody") && strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s: %s", name, step)
			}
		}
	}
}

// plan is how SQLite would answer text, step by step.
func plan(t *testing.T, s *Store, text string) (steps []string) {
	t.Helper()
	var args []any
	for strings.Contains(text, "$"+strconv.Itoa(len(args)+1)) {
		args = append(args, int64(0))
	}
	ok(t, s.view(t.Context(), "planning", func(ses *session) error {
		return ses.adhoc("EXPLAIN QUERY PLAN "+text, args, func(r *row) error {
			r.at = 3
			steps = append(steps, r.text())
			return nil
		})
	}))
	if len(steps) == 0 {
		t.Fatalf("no plan for %s", text)
	}
	return steps
}
