package secret

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
	"testing"
)

// master is a key of 32 equal bytes.
func master(b byte) []byte { return bytes.Repeat([]byte{b}, keySize) }

func newKeys(t testing.TB, current byte, older ...byte) *Keys {
	t.Helper()
	var rest [][]byte
	for _, b := range older {
		rest = append(rest, master(b))
	}
	keys, err := NewKeys(master(current), rest...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// plainHKDF is RFC 5869 without a salt, for one block of output.
func plainHKDF(master []byte, info string) []byte {
	extract := hmac.New(sha256.New, make([]byte, sha256.Size))
	extract.Write(master)
	expand := hmac.New(sha256.New, extract.Sum(nil))
	expand.Write([]byte(info + "\x01"))
	return expand.Sum(nil)
}

func plainHMAC(key []byte, message string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(message))
	return hex.EncodeToString(mac.Sum(nil))
}

// TestStoredValuesAreWhatTheyAlwaysWere computes them the long way round: a
// label or a framing that changes makes every stored value worthless.
func TestStoredValuesAreWhatTheyAlwaysWere(t *testing.T) {
	keys := newKeys(t, 1)
	id := hex.EncodeToString(plainHKDF(master(1), "postern/v1/key-id")[:4])
	sub := func(label string) []byte { return plainHKDF(master(1), "postern/v1/"+label) }
	digest, mac := keys.Digest(NewText("abc")), keys.RowMAC("purpose", []byte("a"), nil)
	code := keys.CodeDigest("enrol", "row", NewText("123"))
	n := func(length byte) string { return strings.Repeat("\x00", 7) + string(rune(length)) }
	for name, c := range map[string]struct{ got, want string }{
		"key id":  {keys.Current().String(), id},
		"digest":  {hex.EncodeToString(digest[:]), id + plainHMAC(sub("app-password"), "app-password/1:abc")},
		"row MAC": {hex.EncodeToString(mac[:]), id + plainHMAC(sub("row-mac"), n(7)+"purpose"+n(1)+"a"+n(0))},
		"login":   {keys.LoginDigest("nobody"), id + plainHMAC(sub("unknown-login"), "nobody")[:32]},
		"session": {keys.SessionDigest(NewText("token")), id + plainHMAC(sub("session"), "token")},
		"code":    {hex.EncodeToString(code[:]), id + plainHMAC(sub("code"), n(5)+"enrol"+n(3)+"row"+n(3)+"123")},
		"check":   {hex.EncodeToString(keys.CheckValue()), id + plainHMAC(sub("check-value"), "check-value/1")},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", name, c.got, c.want)
		}
	}
}

func TestDigestsAreKnownUnderEveryKey(t *testing.T) {
	before, after := newKeys(t, 1), newKeys(t, 2, 1)
	password := NewText(standardExample)
	all := after.Digests(password)
	if len(all) != 2 || all[0] != after.Digest(password) || all[1] != before.Digest(password) {
		t.Fatalf("%d digests, or not the current one first", len(all))
	}
	if all[0].Key() != after.Current() || all[1].Key() != before.Current() || all[0] == all[1] {
		t.Error("digests do not carry their key's id")
	}
	if after.Digest(NewText(compactExample)) == all[0] {
		t.Error("two passwords have one digest")
	}
	if !after.Known(before.Current()) || before.Known(after.Current()) {
		t.Error("a key is known that should not be, or the other way round")
	}
}

func TestARowMACCountsEveryField(t *testing.T) {
	keys := newKeys(t, 1)
	valid := keys.RowMAC("app-password", []byte("ab"), []byte("c"))
	if !keys.RowMACValid(valid, "app-password", []byte("ab"), []byte("c")) {
		t.Fatal("a row MAC is not valid for its own fields")
	}
	for name, fields := range map[string][][]byte{
		"moved border":  {[]byte("a"), []byte("bc")},
		"one field":     {[]byte("abc")},
		"swapped":       {[]byte("c"), []byte("ab")},
		"one more":      {[]byte("ab"), []byte("c"), nil},
		"one less":      {[]byte("ab")},
		"none":          {},
		"changed":       {[]byte("ab"), []byte("d")},
		"length inside": {[]byte("ab\x00\x00\x00\x00\x00\x00\x00\x01c")},
	} {
		if keys.RowMACValid(valid, "app-password", fields...) {
			t.Errorf("%s: valid", name)
		}
	}
	if keys.RowMACValid(valid, "session", []byte("ab"), []byte("c")) {
		t.Error("valid for another purpose")
	}
	for i := range valid {
		forged := valid
		forged[i] ^= 1
		if keys.RowMACValid(forged, "app-password", []byte("ab"), []byte("c")) {
			t.Errorf("valid with byte %d changed", i)
		}
	}
	if keys.RowMACValid(MAC{}, "app-password") || new(Keys).RowMACValid(valid, "app-password", []byte("ab"), []byte("c")) {
		t.Error("a MAC without a key is valid")
	}
}

func TestWhatAnOlderKeyMadeStaysValidAndAForeignKeyMakesNothing(t *testing.T) {
	before, after, foreign := newKeys(t, 1), newKeys(t, 2, 1), newKeys(t, 3)
	mac := before.RowMAC("p", []byte("x"))
	code := before.CodeDigest("recovery", "row", NewText("abc"))
	for _, c := range []struct {
		name string
		keys *Keys
		want bool
	}{{"before", before, true}, {"after", after, true}, {"foreign", foreign, false}} {
		if got := c.keys.RowMACValid(mac, "p", []byte("x")); got != c.want {
			t.Errorf("%s: row MAC valid %v, want %v", c.name, got, c.want)
		}
		if got := c.keys.CodeValid(code, "recovery", "row", NewText("abc")); got != c.want {
			t.Errorf("%s: code valid %v, want %v", c.name, got, c.want)
		}
		if got := c.keys.CheckValid(before.CheckValue()); got != c.want {
			t.Errorf("%s: check value valid %v, want %v", c.name, got, c.want)
		}
	}
	if before.CheckValid(after.CheckValue()) || after.CheckValid(nil) || after.CheckValid([]byte("nonsense")) || new(Keys).CheckValid(nil) {
		t.Error("a check value that is none is valid")
	}
}

func TestACodeBelongsToItsPurposeAndRow(t *testing.T) {
	keys := newKeys(t, 1)
	d := keys.CodeDigest("recovery", "row", NewText("abc"))
	if keys.CodeValid(d, "enrol", "row", NewText("abc")) || keys.CodeValid(d, "recovery", "row2", NewText("abc")) ||
		keys.CodeValid(d, "recoveryr", "ow", NewText("abc")) || keys.CodeValid(d, "recovery", "row", NewText("abd")) || keys.CodeValid(Digest{}, "", "", Text{}) {
		t.Error("a code is valid where it was not issued")
	}
}

func TestKeysAreRefusedThatCannotBeMeant(t *testing.T) {
	for name, masters := range map[string][][]byte{
		"none":      {nil},
		"short":     {master(1)[1:]},
		"long":      {append(master(1), 1)},
		"twice":     {master(1), master(2), master(1)},
		"old short": {master(1), {1}},
	} {
		if keys, err := NewKeys(masters[0], masters[1:]...); err == nil || keys != nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestKeysMayBeUsedConcurrently has its worth under the race detector; without
// it, it shows that pooled states do not mix.
func TestKeysMayBeUsedConcurrently(t *testing.T) {
	keys := newKeys(t, 1, 2)
	want := keys.Digest(NewText("abc"))
	long := bytes.Repeat([]byte("x"), 8192)
	wantMAC := keys.RowMAC("p", long)
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			for range 200 {
				if keys.Digest(NewText("abc")) != want || keys.RowMAC("p", long) != wantMAC || !keys.RowMACValid(wantMAC, "p", long) {
					t.Error("a value differs from the one made alone")
				}
				sealed, err := keys.Seal(rand.Reader, "p", "r", long)
				if opened, err2 := keys.Open("p", "r", sealed); err != nil || err2 != nil || !bytes.Equal(opened, long) {
					t.Error(err, err2)
				}
			}
		})
	}
	done.Wait()
}

func BenchmarkDigest(b *testing.B) {
	keys, password := newKeys(b, 1), NewText(standardExample)
	b.ReportAllocs()
	for b.Loop() {
		keys.Digest(password)
	}
}

func BenchmarkDigestsOfTwoKeys(b *testing.B) {
	keys, password := newKeys(b, 1, 2), NewText(standardExample)
	b.ReportAllocs()
	for b.Loop() {
		keys.Digests(password)
	}
}

func BenchmarkDigestParallel(b *testing.B) {
	keys, password := newKeys(b, 1), NewText(standardExample)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			keys.Digest(password)
		}
	})
}

func BenchmarkRowMACValid(b *testing.B) {
	keys := newKeys(b, 1)
	id, services := []byte("0b4e4a3e-4ed6-4f2a-9d0e-0a5b8b1f3d11"), []byte("mail,vpn")
	mac := keys.RowMAC("app-password", id, id, services)
	b.ReportAllocs()
	for b.Loop() {
		if !keys.RowMACValid(mac, "app-password", id, id, services) {
			b.Fatal("not valid")
		}
	}
}
