package main

import (
	"bytes"
	"testing"

	"postern/bench/site"
)

// TestRefusalsAreAlike asks for each class without brakes and holds the answers
// to the same bytes, and to one hash each where there is no app password: what
// takes the same does not show. How long they take is for the full run to say.
func TestRefusalsAreAlike(t *testing.T) {
	h := openHouse(t, off)
	for _, w := range h.ways() {
		t.Run(w.name, func(t *testing.T) {
			var first []byte
			for _, c := range w.classes {
				for n := range 2 {
					answer, hashes := h.once(t, w, c, n)
					if first == nil {
						first = answer
					}
					if !bytes.Equal(answer, first) {
						t.Errorf("%s: answers %x, %s %x", c.name, answer, w.classes[0].name, first)
					}
					if hashes != c.hashes {
						t.Errorf("%s: %d hashes, want %d", c.name, hashes, c.hashes)
					}
				}
			}
		})
	}
}

// TestWhatIsRefusedAgainCostsNoHashAndLooksTheSame: with the brakes as shipped,
// what was refused before is remembered.
func TestWhatIsRefusedAgainCostsNoHashAndLooksTheSame(t *testing.T) {
	h := openHouse(t, asShipped)
	for _, w := range h.ways() {
		for _, c := range w.classes {
			first, hashes := h.once(t, w, c, 0)
			if hashes != c.hashes {
				t.Errorf("%s, %s: %d hashes at first, want %d", w.name, c.name, hashes, c.hashes)
			}
			again, hashes := h.once(t, w, c, 0)
			if hashes != 0 {
				t.Errorf("%s, %s: %d hashes for what was refused before", w.name, c.name, hashes)
			}
			if !bytes.Equal(first, again) {
				t.Errorf("%s, %s: answers %x and then %x", w.name, c.name, first, again)
			}
		}
	}
}

func openHouse(t *testing.T, how brakes) *house {
	t.Helper()
	binary, err := site.Build(t.Context(), "../..", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h, err := open(t.Context(), binary, t.TempDir(), how)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.process.Kill)
	return h
}

// once asks for class c and returns the answer and how many hashes were run for
// it.
func (h *house) once(t *testing.T, w way, c class, n int) (answer []byte, hashes int) {
	t.Helper()
	ask, hangUp, err := w.dial(0)
	if err != nil {
		t.Fatal(err)
	}
	defer hangUp()
	before, err := h.process.State()
	if err != nil {
		t.Fatal(err)
	}
	if answer, err = ask(c.login, c.password(n)); err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	after, err := h.process.State()
	if err != nil {
		t.Fatal(err)
	}
	return answer, int(after.Hashes - before.Hashes)
}
