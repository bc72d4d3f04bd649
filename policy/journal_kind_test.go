package policy

import (
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern/directory"
)

// texts are the fields of an event that its repeats share, found by reflection.
func texts() (list []reflect.StructField) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[directory.Event]()) {
		if f.Name != "ID" && f.Type.Kind() == reflect.String {
			list = append(list, f)
		}
	}
	return list
}

// TestEveryFieldIsPackedAndComesBack, of whatever length, and whatever is in
// the others.
func TestEveryFieldIsPackedAndComesBack(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 20_000} {
		var ev, got directory.Event
		for i, f := range texts() {
			reflect.ValueOf(&ev).Elem().FieldByIndex(f.Index).SetString(strings.Repeat(string(rune('a'+i)), n+i%2))
		}
		unpack(&got, string(pack(nil, &ev)))
		if got != ev {
			t.Errorf("with fields of %d bytes %+v came back as %+v", n, ev, got)
		}
	}
}

// TestWhatIsInEachFieldMakesAKind: one text stands in each field in turn, and
// divided in each way over two that follow one another.
func TestWhatIsInEachFieldMakesAKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := NewJournal(newShelf(), slog.New(slog.DiscardHandler))
		defer j.Close(t.Context())
		seen := map[kind]string{}
		check := func(what string, ev directory.Event) {
			k := j.read(&ev, nil).kind
			if other := seen[k]; other != "" {
				t.Errorf("%s is of one kind with %s", what, other)
			}
			seen[k] = what
		}
		check("nothing", directory.Event{At: time.Now()})
		check("the next minute", directory.Event{At: time.Now().Add(foldWithin)})
		list := texts()
		for i, f := range list {
			for n := 1; n <= 3; n++ {
				ev := directory.Event{At: time.Now()}
				fields := reflect.ValueOf(&ev).Elem()
				fields.FieldByIndex(f.Index).SetString("abc"[:n])
				if n < 3 {
					fields.FieldByIndex(list[(i+1)%len(list)].Index).SetString("abc"[n:])
				}
				check(f.Name+" of "+"abc"[:n], ev)
			}
		}
		if want := 2 + 3*15; len(seen) != want {
			t.Errorf("%d kinds, want %d", len(seen), want)
		}
	})
}

// TestWhatIsKeptIsWhatWasRecorded, with every field set, and again when it has
// been counted further and nothing of it is held but its kind.
func TestWhatIsKeptIsWhatWasRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		j := NewJournal(s, slog.New(slog.DiscardHandler))
		ev := directory.Event{At: time.Now().UTC().Add(7 * time.Millisecond), Count: 2}
		ev.LastAt = ev.At.Add(time.Second)
		for _, f := range texts() {
			reflect.ValueOf(&ev).Elem().FieldByIndex(f.Index).SetString("text of " + f.Name)
		}
		want := ev
		for range 2 {
			j.Record(ev)
			if err := j.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			kept := s.kept()
			if len(kept) != 1 {
				t.Fatalf("kept %+v", kept)
			}
			if want.ID = kept[0].ID; kept[0] != want {
				t.Errorf("kept is\n%+v, want\n%+v", kept[0], want)
			}
			ev.At = ev.At.Add(10 * time.Second)
			ev.LastAt = ev.At
			want.Count, want.LastAt = 4, ev.At
		}
		if err := j.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
