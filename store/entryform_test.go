package store

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
)

func TestAnEntryIsRememberedAsItWas(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	list := []directory.AccountEntry{
		{},
		{Account: directory.Account{ID: "id", Login: "ann", UIDNumber: -1}},
		{
			Account: directory.Account{
				ID: "6c4d0a4e-0a5c-4a53-8d3c-0a9f1f7c6b11", Kind: directory.ServiceAccount, Login: "Ann", Name: "Dörte\x00Lee", Mail: strings.Repeat("m", 300),
				Disabled: true, ExpiresAt: at.AddDate(-80, 0, 0), UIDNumber: 1 << 40, PasswordChangedAt: at, CreatedAt: at.Add(time.Second), ModifiedAt: at.Add(time.Hour),
				Attributes: map[string][]string{"title": {"Dr.", "Prof."}, "l": {""}},
			},
			MemberOf: []string{"staff", "admins"},
		},
	}
	for n := range len(list) + 1 {
		form := packEntries(list[:n])
		if got := unpackEntries(form); form == "" || len(got) != n || n > 0 && !reflect.DeepEqual(got, list[:n]) {
			t.Errorf("%+v became %+v", list[:n], got)
		}
	}
}

// TestWhatIsRememberedIsBounded: what is asked for again stays, what is not
// goes.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	var r remembered
	r.mark = policy.Mark{1}
	form := strings.Repeat("x", 1000)
	often := entryKey{value: "often"}
	r.keep(often, r.mark, form)
	for n := range 10 * maxRemembered / len(form) {
		r.keep(entryKey{value: strconv.Itoa(n)}, r.mark, form)
		if got, known := r.find(often, r.mark); got == "" || !known {
			t.Fatalf("what is asked for all the time is forgotten behind %d others", n)
		}
	}
	if most := 2*maxRemembered/len(form) + 2; len(r.young)+len(r.old) > most {
		t.Errorf("%d entries are kept, more than %d", len(r.young)+len(r.old), most)
	}
	if got, _ := r.find(entryKey{value: "0"}, r.mark); got != "" {
		t.Error("what was never asked for again is kept")
	}
	if _, known := r.find(often, policy.Mark{2}); known {
		t.Error("an entry of another state is taken for right")
	}
	if _, known := new(remembered).find(often, policy.Mark{}); known {
		t.Error("an unknown state is taken for right")
	}
}
