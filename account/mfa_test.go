package account_test

import (
	"encoding/base32"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/account"
	"postern/policy"
	"postern/secret"
)

// stands says how MFA stands for an account.
func (h *house) stands(id string, want policy.MFAState, group string) {
	h.t.Helper()
	if state, by := h.MFA(h.holder(id)); state != want || by != group {
		h.t.Errorf("MFA is %s by group %q, want %s by %q", state, by, want, group)
	}
}

// enrolTOTP enrols an authenticator app and returns its seed.
func (h *house) enrolTOTP(id string) []byte {
	h.t.Helper()
	pending, err := h.StartTOTP(h.t.Context(), id, "Postern")
	ok(h.t, err)
	seed := seedOf(h.t, pending)
	_, err = h.FinishTOTP(h.t.Context(), actor, id, pending, "phone", h.code(seed))
	ok(h.t, err)
	return seed
}

func (h *house) code(seed []byte) string { return secret.TOTPCode(seed, h.at.Unix()/30) }

func TestMFAIsEnabledUntilSomethingIsEnrolled(t *testing.T) {
	h := newHouse(t)
	id := h.add("ann")
	h.stands(id, policy.MFAOff, "")
	ok(t, h.MFAOn(t.Context(), actor, id))
	h.stands(id, policy.MFAEnabled, "")
	h.decided(h.signIn("ann", secret.NewText(primary)), policy.Reject, policy.ReasonPrimaryWithMFA)
	h.enrolTOTP(id)
	h.stands(id, policy.MFAEnforced, "")

	ok(t, h.MFAOff(t.Context(), actor, id))
	h.stands(id, policy.MFAOff, "")
	h.decided(h.signIn("ann", secret.NewText(primary)), policy.Accept, policy.ReasonPrimary)
	ok(t, h.MFAOn(t.Context(), actor, id))
	h.stands(id, policy.MFAEnforced, "")
}

func TestAGroupDemandsMFAAlsoByNesting(t *testing.T) {
	h := newHouse(t)
	h.group("staff")
	h.group("office")
	office, err := h.GroupMember(t.Context(), "office")
	ok(t, err)
	_, err = h.AddMember(t.Context(), actor, "staff", office)
	ok(t, err)
	id := h.add("ann", "office")
	h.stands(id, policy.MFAEnabled, "staff")

	err = h.MFAOff(t.Context(), actor, id)
	refused(t, err, account.MFAByGroup)
	if !strings.Contains(err.Error(), `"staff"`) {
		t.Errorf("%q does not name the group", err)
	}
	h.decided(h.signIn("ann", secret.NewText(primary)), policy.Reject, policy.ReasonPrimaryWithMFA)
}

func TestAnExemptLoginIsNeverAsked(t *testing.T) {
	h := newHouse(t)
	h.group("staff")
	id := h.add("BreakGlass", "staff")
	h.stands(id, policy.MFAOff, "")
	refused(t, h.MFAOn(t.Context(), actor, id), account.MFAExempt)
	ok(t, h.MFAOff(t.Context(), actor, id))
	h.decided(h.signIn("breakglass", secret.NewText(primary)), policy.Accept, policy.ReasonPrimary)
}

// TestMFAAgreesWithThePolicy: what is shown and what is decided come from the
// same rule.
func TestMFAAgreesWithThePolicy(t *testing.T) {
	for _, c := range []struct {
		login             string
		own, group, enrol bool
	}{
		{"a", false, false, false}, {"b", true, false, false}, {"c", false, true, false}, {"d", true, true, false},
		{"e", false, false, true}, {"f", true, false, true}, {"g", false, true, true}, {"breakglass", false, true, true},
	} {
		h := newHouse(t)
		h.group("staff")
		groups := []string{}
		if c.group {
			groups = append(groups, "staff")
		}
		id := h.add(c.login, groups...)
		if c.own {
			ok(t, h.MFAOn(t.Context(), actor, id))
		}
		if c.enrol {
			h.enrolTOTP(id)
		}
		state, _ := h.MFA(h.holder(id))
		portal := h.engine.Authenticate(t.Context(), policy.Attempt{
			Login: c.login, Secret: secret.NewText(primary), Client: policy.Client{Kind: policy.Interactive, Protocol: policy.Portal},
		})
		want := map[policy.MFAState]policy.Outcome{policy.MFAOff: policy.Accept, policy.MFAEnabled: policy.Enrol, policy.MFAEnforced: policy.SecondFactor}[state]
		if portal.Outcome != want {
			t.Errorf("%+v: shown %s, and the portal answers %s", c, state, portal.Outcome)
		}
	}
}

func TestResetRemovesMethodsAndCodes(t *testing.T) {
	for _, revoke := range []bool{true, false} {
		h := newHouse(t)
		h.settings.RevokeOnMFAReset = revoke
		id := h.add("ann")
		ok(t, h.MFAOn(t.Context(), actor, id))
		h.enrolTOTP(id)
		codes, err := h.NewRecoveryCodes(t.Context(), actor, id)
		ok(t, err)
		enrol, _, err := h.EnrolCode(t.Context(), actor, id)
		ok(t, err)
		phone := h.issue(id, account.Request{})

		ok(t, h.MFAReset(t.Context(), actor, id))
		h.stands(id, policy.MFAEnabled, "")
		for what, spend := range map[string]func() (bool, error){
			"a recovery code": func() (bool, error) { return h.SpendRecoveryCode(t.Context(), id, codes[0]) },
			"the enrol code":  func() (bool, error) { return h.SpendEnrolCode(t.Context(), id, enrol) },
		} {
			if good, err := spend(); good || err != nil {
				t.Errorf("after a reset %s is %t, %v", what, good, err)
			}
		}
		if d := h.signIn("ann", phone.Secret); (d.Outcome == policy.Reject) != revoke {
			t.Errorf("revoke %t: the app password is decided %s", revoke, d.Outcome)
		}
	}
}

func TestATOTPCodeCountsOnce(t *testing.T) {
	h := newHouse(t)
	id := h.add("ann")
	seed := h.enrolTOTP(id)

	// The code that enrolled is used up.
	h.totp(id, h.code(seed), false)
	h.at = h.at.Add(30 * time.Second)
	h.totp(id, "000000", false)
	h.totp(id, " "+h.code(seed)[:3]+" "+h.code(seed)[3:], true)
	h.totp(id, h.code(seed), false)
	// Nor does an older one count any more.
	h.totp(id, secret.TOTPCode(seed, h.at.Unix()/30-1), false)
	h.at = h.at.Add(time.Hour)
	h.totp(id, h.code(seed), true)
	if m, err := h.Methods(t.Context(), id); err != nil || len(m) != 1 || !m[0].LastUsedAt.Equal(h.at) {
		t.Errorf("methods %+v, %v", m, err)
	}
}

func (h *house) totp(id, code string, want bool) {
	h.t.Helper()
	if got, err := h.CheckTOTP(h.t.Context(), id, code); err != nil || got != want {
		h.t.Errorf("code %q: %t, %v; want %t", code, got, err, want)
	}
}

func TestOfManyWhoRaceWithOneCodeOneWins(t *testing.T) {
	h := newHouse(t)
	id := h.add("ann")
	seed := h.enrolTOTP(id)
	codes, err := h.NewRecoveryCodes(t.Context(), actor, id)
	ok(t, err)
	h.at = h.at.Add(time.Minute)
	code := h.code(seed)
	for what, try := range map[string]func() (bool, error){
		"TOTP":     func() (bool, error) { return h.CheckTOTP(t.Context(), id, code) },
		"recovery": func() (bool, error) { return h.SpendRecoveryCode(t.Context(), id, codes[3]) },
	} {
		var group sync.WaitGroup
		won := make(chan bool, 16)
		for range cap(won) {
			group.Go(func() {
				good, err := try()
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
				won <- good
			})
		}
		group.Wait()
		close(won)
		n := 0
		for good := range won {
			if good {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s: %d of %d won, want 1", what, n, cap(won))
		}
	}
}

func TestASeedCannotBeMovedToAnotherAccount(t *testing.T) {
	h := newHouse(t)
	ann, bob := h.add("ann"), h.add("bob")
	pending, err := h.StartTOTP(t.Context(), ann, "Postern")
	ok(t, err)
	if _, err := h.FinishTOTP(t.Context(), actor, bob, pending, "phone", h.code(seedOf(t, pending))); err == nil {
		t.Error("bob enrolled what ann began")
	}
	h.stands(bob, policy.MFAOff, "")
	if m, err := h.Methods(t.Context(), bob); err != nil || len(m) != 0 {
		t.Errorf("bob has %v, %v", m, err)
	}
}

func TestAWrongFirstCodeEnrolsNothing(t *testing.T) {
	h := newHouse(t)
	id := h.add("ann")
	pending, err := h.StartTOTP(t.Context(), id, "Postern")
	ok(t, err)
	_, err = h.FinishTOTP(t.Context(), actor, id, pending, "phone", "")
	refused(t, err, account.BadCode)
	_, err = h.FinishTOTP(t.Context(), actor, id, pending, " ", h.code(seedOf(t, pending)))
	refused(t, err, account.BadLabel)
	if m, err := h.Methods(t.Context(), id); err != nil || len(m) != 0 {
		t.Errorf("methods %v, %v", m, err)
	}
}

func TestMethodsAreRenamedAndRemoved(t *testing.T) {
	h := newHouse(t)
	ann, bob := h.add("ann"), h.add("bob")
	h.enrolTOTP(ann)
	m, err := h.AddWebAuthn(t.Context(), actor, ann, "blue key", []byte("what the portal kept"), 0)
	ok(t, err)
	keys, err := h.WebAuthn(t.Context(), ann)
	ok(t, err)
	if len(keys) != 1 || string(keys[0].Credential) != "what the portal kept" || keys[0].Label != "blue key" {
		t.Errorf("got %+v", keys)
	}
	ok(t, h.RenameMethod(t.Context(), actor, ann, m.ID, "red key"))
	refused(t, h.RenameMethod(t.Context(), actor, bob, m.ID, "mine"), account.UnknownMethod)
	refused(t, h.RenameMethod(t.Context(), actor, ann, m.ID, ""), account.BadLabel)
	refused(t, h.RemoveMethod(t.Context(), actor, bob, m.ID), account.UnknownMethod)
	ok(t, h.RemoveMethod(t.Context(), actor, ann, m.ID))
	if left, err := h.Methods(t.Context(), ann); err != nil || len(left) != 1 || left[0].Kind != policy.MethodTOTP {
		t.Errorf("left are %+v, %v", left, err)
	}
}

func TestASignatureCounterNeverGoesBack(t *testing.T) {
	h := newHouse(t)
	id := h.add("ann")
	_, err := h.AddWebAuthn(t.Context(), actor, id, "key", []byte("x"), 7)
	ok(t, err)
	h.at = h.at.Add(time.Second)
	_, err = h.AddWebAuthn(t.Context(), actor, id, "passkey", []byte("y"), 0)
	ok(t, err)
	use := func(at int, counter uint32, want bool) {
		t.Helper()
		list, err := h.WebAuthn(t.Context(), id)
		ok(t, err)
		if good, err := h.UseWebAuthn(t.Context(), list[at].Method, counter); err != nil || good != want {
			t.Errorf("key %d with %d: %t, %v; want %t", at, counter, good, err, want)
		}
	}
	const counting, passkey = 0, 1
	use(counting, 7, false)
	use(counting, 3, false)
	use(counting, 0, false)
	use(counting, 9, true)
	use(counting, 9, false)
	use(passkey, 0, true)
	use(passkey, 0, true)
}

func TestRecoveryCodesCountOnceAndHoweverTyped(t *testing.T) {
	h := newHouse(t)
	ann, bob := h.add("ann"), h.add("bob")
	codes, err := h.NewRecoveryCodes(t.Context(), actor, ann)
	ok(t, err)
	if len(codes) != account.RecoveryCodes {
		t.Fatalf("got %d codes", len(codes))
	}
	spend := func(id string, typed string, want bool) {
		t.Helper()
		if good, err := h.SpendRecoveryCode(t.Context(), id, secret.NewText(typed)); err != nil || good != want {
			t.Errorf("%t, %v; want %t", good, err, want)
		}
	}
	first := codes[0].Reveal()
	spend(bob, first, false)
	spend(ann, strings.ToUpper(strings.Join(account.GroupCode(codes[0]), "-"))+" ", true)
	spend(ann, first, false)
	spend(ann, strings.NewReplacer("0", "O", "1", "l").Replace(codes[1].Reveal()), true)
	spend(ann, "", false)
	spend(ann, first[:15], false)
	if n, err := h.RecoveryCodesLeft(t.Context(), ann); err != nil || n != 8 {
		t.Errorf("%d left, %v; want 8", n, err)
	}
	_, err = h.NewRecoveryCodes(t.Context(), actor, ann)
	ok(t, err)
	spend(ann, codes[2].Reveal(), false)
}

func TestAnEnrolCodeEndsAfterADay(t *testing.T) {
	h := newHouse(t)
	id := h.add("ann")
	spend := func(code secret.Text, want bool) {
		t.Helper()
		if good, err := h.SpendEnrolCode(t.Context(), id, code); err != nil || good != want {
			t.Errorf("%t, %v; want %t", good, err, want)
		}
	}
	first, expires, err := h.EnrolCode(t.Context(), actor, id)
	ok(t, err)
	if want := h.at.Add(24 * time.Hour); !expires.Equal(want) {
		t.Errorf("it ends at %s, want %s", expires, want)
	}
	second, _, err := h.EnrolCode(t.Context(), actor, id)
	ok(t, err)
	spend(first, false) // replaced
	if good, err := h.SpendRecoveryCode(t.Context(), id, second); err != nil || good {
		t.Errorf("an enrol code is a recovery code: %t, %v", good, err)
	}
	start := h.at
	h.at = expires
	spend(second, false)
	h.at = expires.Add(-time.Second)
	spend(second, true)
	spend(second, false)
	h.at = start
}

// seedOf reads the key as an authenticator app does.
func seedOf(t testing.TB, p account.PendingTOTP) []byte {
	t.Helper()
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(p.Key.Reveal())
	ok(t, err)
	return seed
}
