package secret

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

func keysFrom(t testing.TB, masters ...byte) *Keys {
	t.Helper()
	var older [][]byte
	for _, b := range masters[1:] {
		older = append(older, bytes.Repeat([]byte{b}, keySize))
	}
	keys, err := NewKeys(bytes.Repeat([]byte{masters[0]}, keySize), older...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func sealedHash(t testing.TB, h *Hasher, value string) Text {
	t.Helper()
	stored, err := h.Seal(foreign(t, value), rand.Reader)
	if err != nil {
		t.Fatalf("%.12s…: %v", value, err)
	}
	return stored
}

// TestASealedHashIsVerifiedWithOneRunAndHoldsNothingToGuessAgainst goes through
// every fast hash there is: sealed, verified, wrapped, verified again.
func TestASealedHashIsVerifiedWithOneRunAndHoldsNothingToGuessAgainst(t *testing.T) {
	h := NewHasher(cheap, 1, 0).WithKeys(keysFrom(t, 1))
	sealable := 0
	for name, c := range theirs {
		f := foreign(t, c.value)
		if !f.Sealable() {
			if _, err := h.Seal(f, rand.Reader); err == nil {
				t.Errorf("%s: what is not sealable was sealed", name)
			}
			continue
		}
		sealable++
		before := h.Runs()
		stored := sealedHash(t, h, c.value)
		if err := mayBeKept(stored); err != nil || h.Runs() != before {
			t.Errorf("%s: %v, %d runs for sealing", name, err, h.Runs()-before)
		}
		box, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(stored.Reveal(), "$sealed$"))
		if err != nil || bytes.Contains(box, f.output) || bytes.Contains(box, []byte(f.recipe.setting)) {
			t.Errorf("%s: the hash or its salt can be read (%v)", name, err)
		}
		wrapped, err := h.Wrap(t.Context(), stored, rand.Reader)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for form, stored := range map[string]Text{"sealed": stored, "wrapped": wrapped} {
			if like, err := h.Compare(t.Context(), stored, f); like != Same || err != nil {
				t.Errorf("%s, %s: imported again it is %v (%v)", name, form, like, err)
			}
			for typed, want := range map[string]bool{foreignPassword: true, "wrong": false, "": false} {
				before := h.Runs()
				ok, stale, err := h.Verify(t.Context(), stored, NewText(typed))
				if ok != want || stale != want || err != nil || h.Runs() != before+1 {
					t.Errorf("%s, %s, %q: %v, stale %v, %v, %d runs", name, form, typed, ok, stale, err, h.Runs()-before)
				}
			}
		}
	}
	if sealable < 8 {
		t.Errorf("only %d schemes can be sealed", sealable)
	}
}

// TestOneKindSealedOrWrapped: refusals are held to the slowest kind, and the
// state of a hash makes none.
func TestOneKindSealedOrWrapped(t *testing.T) {
	h := NewHasher(cheap, 1, 0).WithKeys(keysFrom(t, 1))
	const value = "{SSHA}7jpvJrMRs/3DDNSPAW7QgHphQ/UwMTIz"
	stored := sealedHash(t, h, value)
	wrapped, err := h.Wrap(t.Context(), stored, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []Text{stored, wrapped} {
		if _, _, err := h.Verify(t.Context(), one, NewText("wrong")); err != nil {
			t.Fatal(err)
		}
	}
	if len(h.others.least) != 1 {
		t.Errorf("the kinds are %v", h.others.least)
	}
}

func TestASealedHashIsOpenedByItsKeyOnly(t *testing.T) {
	const value = "{SSHA}7jpvJrMRs/3DDNSPAW7QgHphQ/UwMTIz"
	old := NewHasher(cheap, 1, 0).WithKeys(keysFrom(t, 1))
	stored := sealedHash(t, old, value)
	if again := sealedHash(t, old, value); again.Equal(stored) {
		t.Error("sealed twice it is the same")
	}
	if _, _, err := NewHasher(cheap, 1, 0).WithKeys(keysFrom(t, 2, 1)).Verify(t.Context(), stored, NewText("x")); err != nil {
		t.Errorf("after the key changed: %v", err)
	}
	box, err := old.keys.Seal(rand.Reader, "another purpose", "", []byte("{SHA}\x00"+strings.Repeat("a", 20)))
	if err != nil {
		t.Fatal(err)
	}
	spoilt := []byte(stored.Reveal())
	spoilt[len(spoilt)/2] ^= 1
	for name, c := range map[string]struct {
		h      *Hasher
		stored Text
		want   error
	}{
		"another key":     {NewHasher(cheap, 1, 0).WithKeys(keysFrom(t, 2)), stored, ErrKeyUnknown},
		"no key":          {NewHasher(cheap, 1, 0), stored, errNoKeys},
		"another purpose": {old, NewText("$sealed$" + base64.RawURLEncoding.EncodeToString(box)), ErrNotOpened},
		"changed":         {old, NewText(string(spoilt)), nil},
		"empty":           {old, NewText("$sealed$"), nil},
	} {
		before := c.h.Runs()
		ok, stale, err := c.h.Verify(t.Context(), c.stored, NewText("x"))
		if ok || stale || err == nil || c.want != nil && !errors.Is(err, c.want) || c.h.Runs() != before {
			t.Errorf("%s: %v, %v, %v", name, ok, stale, err)
		}
		if made, err := c.h.Wrap(t.Context(), c.stored, rand.Reader); err == nil || !made.Empty() {
			t.Errorf("%s: it was wrapped", name)
		}
	}
	if _, err := NewHasher(cheap, 1, 0).Seal(foreign(t, value), rand.Reader); !errors.Is(err, errNoKeys) {
		t.Errorf("sealing without a key: %v", err)
	}
	if _, err := old.Wrap(t.Context(), imported(t, old, value), rand.Reader); err == nil {
		t.Error("what was wrapped is wrapped again")
	}
}

// TestWrappingWaitsItsTurn: it takes no core from a sign-in that runs.
func TestWrappingWaitsItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(cheap, 1, 1).WithKeys(keysFrom(t, 1))
		stored := sealedHash(t, h, "{SSHA}7jpvJrMRs/3DDNSPAW7QgHphQ/UwMTIz")
		release := occupy(h)
		if h.Waiting() != 1 {
			t.Errorf("%d are under way", h.Waiting())
		}
		ctx, cancel := context.WithCancel(t.Context())
		answer := make(chan error)
		go func() {
			_, err := h.Wrap(ctx, stored, rand.Reader)
			answer <- err
		}()
		synctest.Wait()
		if h.Runs() != 0 || h.Waiting() != 2 {
			t.Errorf("%d runs, %d waiting", h.Runs(), h.Waiting())
		}
		cancel()
		if err := <-answer; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
		release()
	})
}

// BenchmarkSeal is what an import does to a fast hash at first; BenchmarkVerify
// is about what wrapping it takes.
func BenchmarkSeal(b *testing.B) {
	h := NewHasher(DefaultArgon2, 1, 0).WithKeys(keysFrom(b, 1))
	f := foreign(b, "{SSHA}7jpvJrMRs/3DDNSPAW7QgHphQ/UwMTIz")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Seal(f, rand.Reader); err != nil {
			b.Fatal(err)
		}
	}
}
