package storetest

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"postern/directory"
	"postern/policy"
	"postern/secret"
	"postern/store"
)

// world is what the changes below are made to.
type world struct {
	ann    directory.Account
	staff  directory.Group
	phone  policy.Holding
	method policy.Method
}

func newWorld(t *testing.T, s *store.Store) (w world) {
	t.Helper()
	h := holderOf(t, "ann", "")
	h.PasswordHash = secret.NewText("one")
	must(t, s.AddAccount(t.Context(), h, event(t, directory.EventAccountAdded)))
	w.ann, w.staff = h.Account, group(t, s, "staff")
	w.phone = issue(t, s, holding(t, w.ann.ID, digest(1)))
	w.method = enrol(t, s, methodOf(t, w.ann.ID))
	return w
}

// everyChange is each change there is that records an event.
func everyChange(t *testing.T, s *store.Store, w world) map[string]func(directory.Event) error {
	ctx := t.Context()
	return map[string]func(directory.Event) error{
		"AddAccount": func(ev directory.Event) error { return s.AddAccount(ctx, holderOf(t, "bob", ""), ev) },
		"ChangeAccount": func(ev directory.Event) error {
			return s.ChangeAccount(ctx, w.ann.ID, policy.AccountChange{Disabled: ptr(true)}, ev)
		},
		"DeleteAccount": func(ev directory.Event) error { return s.DeleteAccount(ctx, w.ann.ID, ev) },
		"ImportAccounts": func(ev directory.Event) error {
			return s.ImportAccounts(ctx, policy.Import{Add: []policy.Holder{holderOf(t, "carl", "")}}, ev)
		},
		"AddGroup": func(ev directory.Event) error {
			return s.AddGroup(ctx, directory.Group{ID: newID(t), Name: "guests"}, ev)
		},
		"DeleteGroup": func(ev directory.Event) error { return s.DeleteGroup(ctx, w.staff.ID, ev) },
		"SetMember": func(ev directory.Event) error {
			_, err := s.SetMember(ctx, w.staff.ID, account(w.ann), true, ev)
			return err
		},
		"IssueAppPassword": func(ev directory.Event) error {
			return s.IssueAppPassword(ctx, holding(t, w.ann.ID, digest(2)), policy.Limit{}, ev)
		},
		"ReplaceAppPassword": func(ev directory.Event) error {
			return s.ReplaceAppPassword(ctx, holding(t, w.ann.ID, digest(3)), ev)
		},
		"RevokeAppPasswords": func(ev directory.Event) error {
			_, err := s.RevokeAppPasswords(ctx, w.ann.ID, "", ev)
			return err
		},
		"RenameAppPassword": func(ev directory.Event) error {
			return s.RenameAppPassword(ctx, w.ann.ID, w.phone.Credential.ID, "tablet", ev)
		},
		"AddMethod":    func(ev directory.Event) error { return s.AddMethod(ctx, methodOf(t, w.ann.ID), ev) },
		"RemoveMethod": func(ev directory.Event) error { return s.RemoveMethod(ctx, w.ann.ID, w.method.ID, 0, ev) },
		"RenameMethod": func(ev directory.Event) error { return s.RenameMethod(ctx, w.ann.ID, w.method.ID, "tablet", ev) },
		"ReplaceCodes": func(ev directory.Event) error {
			set := policy.CodeSet{AccountID: w.ann.ID, Purpose: policy.CodeEnrol, Digests: []secret.Digest{digest(4)}}
			return s.ReplaceCodes(ctx, set, ev)
		},
	}
}

// state is what a change could have changed, as far as it can be asked for.
func state(t *testing.T, s *store.Store, w world) (all []any) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	holders, err := s.Holders(ctx, directory.Query{})
	must(t, err)
	groups, err := s.Groups(ctx, directory.Query{})
	must(t, err)
	members, err := s.Members(ctx, w.staff.ID)
	must(t, err)
	passwords, err := s.AppPasswords(ctx, w.ann.ID)
	must(t, err)
	methods, err := s.Methods(ctx, w.ann.ID)
	must(t, err)
	codes, err := s.CodesLeft(ctx, w.ann.ID, policy.CodeEnrol, now)
	must(t, err)
	return []any{holders, groups, members, passwords, methods, codes, version(t, s), recorded(t, s)}
}

var changeTests = map[string]func(*testing.T, *store.Store){
	"a change that cannot be recorded does not happen": func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		before := state(t, s, w)
		for name, change := range everyChange(t, s, w) {
			if err := change(unrecordable()); err == nil {
				t.Errorf("%s: succeeded without its event", name)
			}
			if after := state(t, s, w); !same(before, after) {
				t.Fatalf("%s: was undone to\n%+v, want\n%+v", name, after, before)
			}
		}
	},
	"a change, its event and a step of the version come together": func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		changes := everyChange(t, s, w)
		remove := []string{"RemoveMethod", "DeleteGroup", "DeleteAccount"}
		order := make([]string, 0, len(changes))
		for name := range changes {
			if name != remove[0] && name != remove[1] && name != remove[2] {
				order = append(order, name)
			}
		}
		for _, name := range append(order, remove...) {
			v, n := version(t, s), len(recorded(t, s))
			if name == "RevokeAppPasswords" { // something has to be left to revoke
				issue(t, s, holding(t, w.ann.ID, digest(99)))
				v, n = version(t, s), len(recorded(t, s))
			}
			ev := event(t, directory.EventKind("test_"+name))
			must(t, changes[name](ev))
			events := recorded(t, s)
			if version(t, s) != v+1 || len(events) != n+1 || events[n].ID != ev.ID {
				t.Errorf("%s: version %d after %d, %d events after %d", name, version(t, s), v, len(events), n)
			}
		}
	},
	"a renewed hash moves the version too": func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		before := version(t, s)
		must(t, s.CompareAndSwapHash(t.Context(), w.ann.ID, secret.NewText("one"), secret.NewText("two")))
		if v := version(t, s); v != before+1 {
			t.Errorf("version is %d after %d", v, before)
		}
	},
	"what is given up before it begins is not done": func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		before := state(t, s, w)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := s.ChangeAccount(ctx, w.ann.ID, policy.AccountChange{Disabled: ptr(true)}, event(t, directory.EventAccountDisabled))
		wantError(t, err, context.Canceled)
		_, err = s.AppPassword(ctx, []secret.Digest{digest(1)}, named("ann"))
		wantError(t, err, context.Canceled)
		if after := state(t, s, w); !same(before, after) {
			t.Errorf("state is %+v, want %+v", after, before)
		}
	},
	"what is called after the end fails": func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		must(t, s.Close())
		_, err := s.HolderByID(t.Context(), w.ann.ID)
		if err == nil || errors.Is(err, directory.ErrNotFound) {
			t.Errorf("a closed database answers %v", err)
		}
		if err := s.AppendEvents(t.Context(), []directory.Event{event(t, directory.EventSignIn)}); err == nil {
			t.Error("a closed database keeps events")
		}
	},
}

// same compares two states. A secret.Text is a pointer, which DeepEqual
// follows.
func same(a, b []any) bool { return reflect.DeepEqual(a, b) }
