package radiussrv_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/policy/brake"
	"postern/secret"
)

// people are who an engine of these tests knows: ann with a second factor and
// bob without. Their hashes are their passwords. It is a policy.Records, a
// policy.Verifier and a policy.Recorder.
type people struct{ brakes *brake.Brakes }

const (
	annID       = "0a000000-0000-4000-8000-00000000000a"
	bobID       = "0b000000-0000-4000-8000-00000000000b"
	annPassword = "correct horse"
	bobPassword = "battery staple"
)

func (*people) AppPassword(context.Context, []secret.Digest, directory.Name) (policy.Holding, error) {
	return policy.Holding{}, directory.ErrNotFound
}

func (p *people) HolderByName(ctx context.Context, name directory.Name) (policy.Holder, error) {
	ids := map[string]string{"ann": annID, "bob": bobID}
	return p.HolderByID(ctx, ids[name.Login])
}

func (*people) HolderByID(_ context.Context, id string) (policy.Holder, error) {
	changed := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	switch id {
	case annID:
		return policy.Holder{Account: directory.Account{ID: annID, Login: "ann", PasswordChangedAt: changed}, PasswordHash: secret.NewText(annPassword), MFADemanded: true, Enrolled: true}, nil
	case bobID:
		return policy.Holder{Account: directory.Account{ID: bobID, Login: "bob", PasswordChangedAt: changed}, PasswordHash: secret.NewText(bobPassword)}, nil
	}
	return policy.Holder{}, directory.ErrNotFound
}

func (*people) Verify(_ context.Context, stored, typed secret.Text) (ok, stale bool, err error) {
	return !stored.Empty() && stored.Equal(typed), false, nil
}

func (*people) Record(directory.Event) {}
func (*people) Used(policy.Use)        {}

// newEngine is an engine that knows people.
func newEngine(t testing.TB) *policy.Engine {
	t.Helper()
	e, _ := engineOf(t)
	return e
}

func engineOf(t testing.TB) (*policy.Engine, *people) {
	t.Helper()
	p := &people{brake.New()}
	e := policy.NewEngine(policy.EngineConfig{Records: p, Keys: testKeys(t), Verifier: p, Recorder: p, Brakes: p.brakes})
	e.SetRules(&policy.Rules{MaxPerAccount: 5})
	return e, p
}

func testKeys(t testing.TB) *secret.Keys {
	t.Helper()
	keys, err := secret.NewKeys(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
