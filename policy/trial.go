package policy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"postern/directory"
	"postern/secret"
)

// trial is one attempt on its way to a decision: what is known so far. It
// belongs to one call of Authenticate.
type trial struct {
	e       *Engine
	rules   *ruleSet
	a       Attempt
	service string
	from    netip.Addr

	facts   Facts
	account directory.Account // ID "" where no account is recognised
	exempt  bool
	// credential is the app password that matched, whatever its standing.
	credential string
	digest     secret.Digest
	weighed    time.Time // when its standing was looked at, behind all that waits; zero where none matched
	ends       time.Time // of the account, or of the credential where that is sooner
	primary    primaryStamp
	guess      *guess        // a primary or a second factor; nil where none was looked at
	hashed     bool          // a hash was run
	again      bool          // the same was refused before, and is refused without a hash
	err        error         // behind facts.Trouble
	slowest    time.Duration // what a hash would have taken when it began
}

var errNoRules = errors.New("no rules are set")

// begin starts a trial with the rules of this moment.
func (e *Engine) begin(a Attempt) trial {
	t := trial{e: e, rules: e.rules.Load(), a: a, from: a.Remote.Addr().Unmap(), slowest: e.slowest()}
	if a.Client.Kind <= Interactive {
		t.facts.Client = a.Client.Kind
	}
	if t.rules != nil {
		t.service = t.rules.service(a.Client, t.from)
	}
	return t
}

// gather runs find and turns whatever breaks in it into trouble.
func (t *trial) gather(find func()) {
	defer func() {
		if r := recover(); r != nil {
			t.broke(fmt.Errorf("panic while gathering facts: %s\n%s", fault(r), debug.Stack()))
		}
	}()
	if t.rules == nil {
		t.broke(errNoRules)
		return
	}
	find()
}

// fault describes what was recovered. Only a runtime error is known not to
// carry what somebody typed.
func fault(r any) string {
	if e, ok := r.(runtime.Error); ok {
		return e.Error()
	}
	return fmt.Sprintf("%T", r)
}

// broke notes that it cannot be known what there is to decide about.
func (t *trial) broke(err error) {
	t.err = err
	t.facts.Trouble = Broken
	if errors.Is(err, secret.ErrBusy) {
		t.facts.Trouble = HashQueueFull
	}
}

// find gathers the facts of an attempt, in the order the rules name: app
// password first, else exactly one hash.
func (t *trial) find(ctx context.Context) {
	if t.a.Second != nil {
		t.trySecond(ctx)
		return
	}
	if t.a.Resumed != nil {
		t.tryResumed(ctx, *t.a.Resumed)
		return
	}
	name := directory.ParseName(t.a.Login, t.a.Naming, t.rules.Domain)
	switch {
	case t.a.Proof != nil:
		t.tryProof(ctx, name)
	case !t.tryAppPassword(ctx, name):
		t.tryPrimary(ctx, name)
	}
}

// tryAppPassword matches the secret as an app password by one keyed hash and
// one query, and reports whether that settled the matter.
func (t *trial) tryAppPassword(ctx context.Context, name directory.Name) bool {
	canonical, _, ok := secret.Recognise(t.a.Secret)
	if !ok {
		return false
	}
	return t.tryDigests(ctx, name, t.e.keys.Digests(canonical))
}

// tryDigests looks one of digests up. A credential presented under another
// name than its owner's is no match at all: what was presented is verified
// like any other secret, at the same cost, for the account that was named.
func (t *trial) tryDigests(ctx context.Context, name directory.Name, digests []secret.Digest) bool {
	h, err := t.e.records.AppPassword(ctx, digests, name)
	switch {
	case errors.Is(err, directory.ErrNotFound):
		return false
	case err != nil:
		t.broke(err)
		return true
	case !h.Named && !t.unnamed():
		return false
	}
	t.judge(&h)
	return true
}

// unnamed reports whether the attempt names nobody and need not: who shows a
// certificate has said by it who it is.
func (t *trial) unnamed() bool {
	return t.a.Login == "" && t.a.Proof != nil && t.a.Proof.Form() == ProofCertificate
}

// judge notes how credential h stands.
func (t *trial) judge(h *Holding) { t.weigh(h, t.e.genuine(h)) }

// genuine reports whether h is as it was issued, which nobody can make a row
// without the keys.
func (e *Engine) genuine(h *Holding) bool {
	var room [256]byte
	return e.keys.RowMACValid(h.RowMAC, credentialRow, appendRow(room[:0], h)) && h.Credential.AccountID == h.Holder.Account.ID
}

// weigh notes how credential h stands, of which is known whether it is genuine.
// MFA and demands are left at their strictest: no rule for app passwords asks
// for them.
func (t *trial) weigh(h *Holding, genuine bool) {
	now := t.e.now()
	t.weighed = now
	t.stand(&h.Holder, now)
	t.credential, t.digest = h.Credential.ID, h.Digest
	if end := h.Credential.ExpiresAt; !end.IsZero() && (t.ends.IsZero() || end.Before(t.ends)) {
		t.ends = end
	}
	if !genuine {
		t.facts.Match = MatchForged
		return
	}
	t.facts.Match = t.rules.standing(h.Credential, now, t.service, t.from)
	if t.facts.Match == MatchAppPassword && !t.withinNetworks() {
		t.facts.Match = MatchOtherNetwork
	}
}

// withinNetworks says whether a service account is used from where the
// configuration lets it be used. For persons it is always true.
func (t *trial) withinNetworks() bool {
	if t.account.Kind != directory.ServiceAccount {
		return true
	}
	networks := t.rules.serviceAccounts[loginKey(t.account)]
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(t.from) })
}

// holder reads the account that name denotes and notes what is known of it.
// known is false where there is none, or where it is not known.
func (t *trial) holder(ctx context.Context, name directory.Name) (h Holder, known bool) {
	if !name.Valid() {
		return Holder{}, false
	}
	h, err := t.e.records.HolderByName(ctx, name)
	if t.missing(err) {
		return Holder{}, false
	}
	t.know(h)
	return h, true
}

// know notes what the rules say of the person or service account h. Groups
// must be filled.
func (t *trial) know(h Holder) {
	now := t.e.now()
	t.stand(&h, now)
	t.facts.MFA, _ = t.rules.MFA(h)
	t.facts.Demand, _ = t.rules.Demand(h, t.service)
	t.facts.ReportOnly = t.rules.ReportsOnly(h, now)
	t.facts.Grace = t.rules.InGrace(now)
}

// stand notes who the account is and how it stands at now.
func (t *trial) stand(h *Holder, now time.Time) {
	t.account, t.ends = h.Account, h.Account.ExpiresAt
	t.facts.Kind = ServiceKind
	if h.Account.Kind == directory.Person {
		t.facts.Kind = PersonKind
	}
	t.exempt = t.rules.Exempts(h.Account)
	switch {
	case h.Account.ID == "" || !t.configured():
		t.facts.Account = AccountUnknown
	case h.Account.Disabled:
		t.facts.Account = AccountDisabled
	case h.Account.Expired(now):
		t.facts.Account = AccountExpired
	default:
		t.facts.Account = AccountActive
	}
}

// configured says whether a service account still stands in the
// configuration. For persons it is always true.
func (t *trial) configured() bool {
	if t.account.Kind == directory.Person {
		return true
	}
	_, ok := t.rules.serviceAccounts[loginKey(t.account)]
	return ok
}
