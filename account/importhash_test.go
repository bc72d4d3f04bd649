package account_test

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"postern/account"
	"postern/policy"
	"postern/secret"
)

// manyFast is a CSV file of n accounts with fast hashes of password, and of one
// with a slow one.
func manyFast(n int, password string) string {
	var b strings.Builder
	b.WriteString("login,password_hash\nslow,{CRYPT}$6$s8pQFjXDA0T.gZC7$facwP9Od15ZN0SxLkD7mSMySLREWVhUjALM2RC5vJlkuKW9UizrgHPbYIKyLQ9Stwz9W40u0WCgH3c1UCiaQ9.\n")
	for i := range n {
		salt := fmt.Sprint(password[:4], i)
		sum := sha1.Sum([]byte(password + salt))
		fmt.Fprintf(&b, "user%d,{SSHA}%s\n", i, base64.StdEncoding.EncodeToString(append(sum[:], salt...)))
	}
	return b.String()
}

// TestOfManyFastHashesAllAreSealedAndOfFewNone, and either verifies, is known
// again by the next import, and replaced at a sign-in.
func TestOfManyFastHashesAllAreSealedAndOfFewNone(t *testing.T) {
	for n, sealed := range map[int]int{200: 0, 201: 201} {
		h := newHouse(t)
		file := manyFast(n, "imported password")
		p := h.plan(file)
		if p.Sealed != sealed || p.Passwords != n-sealed {
			t.Errorf("of %d, %d are to be sealed and %d hashed", n, p.Sealed, p.Passwords)
		}
		told := 0
		ok(t, h.Prepare(t.Context(), p, 1, func(int) { told++ }))
		ok(t, h.Import(t.Context(), actor, p))
		if told != n-sealed {
			t.Errorf("of %d, %d were told as hashed", n, told)
		}
		if got, err := h.store.SealedCount(t.Context()); err != nil || got != sealed {
			t.Errorf("%d are sealed (%v), want %d", got, err, sealed)
		}
		h.decided(h.signIn("user7", secret.NewText("another password")), policy.Reject, policy.ReasonWrongSecret)
		h.decided(h.signIn("user7", secret.NewText("imported password")), policy.Accept, policy.ReasonPrimary)
		if again := h.plan(file); again.Same != n+1 || again.Passwords+again.Sealed != 0 {
			t.Errorf("of %d, again it would change %+v", n, again)
		}
		if changed := h.plan(manyFast(n, "changed password")); changed.Sealed != sealed || changed.Changed != n {
			t.Errorf("of %d changed ones, %d are to be sealed and %d changed", n, changed.Sealed, changed.Changed)
		}
	}
}

func TestNothingIsSealedWhereAllIsToBeWrappedFirst(t *testing.T) {
	h := newHouse(t)
	p := h.plan(manyFast(300, "imported password"))
	p.WrapFirst()
	if p.Sealed != 0 || p.Passwords != 300 {
		t.Errorf("%d are to be sealed and %d hashed", p.Sealed, p.Passwords)
	}
	ok(t, h.Import(t.Context(), actor, p))
	if got, err := h.store.SealedCount(t.Context()); err != nil || got != 0 {
		t.Errorf("%d are sealed (%v)", got, err)
	}
	h.decided(h.signIn("user299", secret.NewText("imported password")), policy.Accept, policy.ReasonPrimary)
}

// TestAPasswordInClearIsNeverSealed, however many there are: it would be there
// for whoever has the key.
func TestAPasswordInClearIsNeverSealed(t *testing.T) {
	h := newHouse(t)
	var file strings.Builder
	for i := range 250 {
		fmt.Fprintf(&file, "dn: uid=user%d,dc=x\nobjectClass: account\nuid: user%d\nuserPassword: a password of %d\n\n", i, i, i)
	}
	p, err := h.PlanLDIF(t.Context(), strings.NewReader(file.String()), account.LDIF{ReadDN: readDN, Shown: shown})
	ok(t, err)
	if p.Sealed != 0 || p.Passwords != 250 {
		t.Errorf("%d are to be sealed and %d hashed", p.Sealed, p.Passwords)
	}
}
