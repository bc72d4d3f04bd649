package policy

import (
	"testing"
	"testing/synctest"
	"time"

	"postern/directory"
)

// resume goes on with what g was granted for, under login, at c.
func (w *world) resume(t *testing.T, c Client, login string, g Grant) outcome {
	t.Helper()
	events := len(w.events)
	o := w.authenticate(t, Attempt{Client: c, Login: login, Resumed: &g, Remote: mailAddr})
	if o.hashes != 0 || len(w.events) != events+1 {
		t.Errorf("%d hashes and %d events, want none and one", o.hashes, len(w.events)-events)
	}
	return o
}

func TestAResumedSessionIsDecidedAnew(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world, *Holding)
		want   Reason
	}{
		"revoked":          {func(_ *world, h *Holding) { h.Credential.RevokedAt = noon }, ReasonRevoked},
		"expired":          {func(w *world, _ *Holding) { w.now = func() time.Time { return noon.Add(2 * time.Hour) } }, ReasonCredentialEnded},
		"account disabled": {func(w *world, _ *Holding) { w.holder("id-ann").Account.Disabled = true }, ReasonAccountDisabled},
		"tampered with":    {func(_ *world, h *Holding) { h.Credential.Networks = prefixes("192.0.2.0/24") }, ReasonForged},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			app, row := w.issue(t, "id-ann", func(p *directory.AppPassword) {
				p.Services, p.ExpiresAt = []string{"vpn"}, noon.Add(time.Hour)
			})
			g := w.attempt(t, vpnClient, "ann", app).Grant
			again := w.resume(t, vpnClient, "ann", g)
			again.expect(t, Accept, ReasonAppPassword)
			if again.Credential != row.Credential.ID || again.Account != "id-ann" {
				t.Errorf("accepted for %q of %q", again.Credential, again.Account)
			}
			w.resume(t, vpnClient, "", again.Grant).expect(t, Accept, ReasonAppPassword)
			c.change(w, row)
			w.resume(t, vpnClient, "", again.Grant).expect(t, Reject, c.want)
		})
	}
}

// TestAResumedSessionIsOfOneAccountAndInScope: another name, another service
// and a grant of nothing are refused.
func TestAResumedSessionIsOfOneAccountAndInScope(t *testing.T) {
	w := newWorld(t)
	app, _ := w.issue(t, "id-ann", func(p *directory.AppPassword) { p.Services = []string{"vpn"} })
	g := w.attempt(t, vpnClient, "ann", app).Grant
	w.resume(t, vpnClient, "bob", g).expect(t, Reject, ReasonWrongSecret)
	w.resume(t, mailClient, "ann", g).expect(t, Reject, ReasonOtherService)
	w.resume(t, vpnClient, "ann", Grant{}).expect(t, Reject, ReasonUnknownAccount)
}

func TestAResumedPrimaryIsRefusedOnceMFAIsOn(t *testing.T) {
	w := newWorld(t)
	g := w.attempt(t, vpnClient, "bob", text(bobPassword)).Grant
	again := w.resume(t, vpnClient, "bob", g)
	again.expect(t, Accept, ReasonPrimary)
	w.holder("id-bob").MFADemanded = true
	w.resume(t, vpnClient, "bob", g).expect(t, Reject, ReasonPrimaryWithMFA)
	w.holder("id-bob").MFADemanded = false
	w.holder("id-bob").PasswordHash = hashOf("new")
	w.resume(t, vpnClient, "bob", again.Grant).expect(t, Reject, ReasonWrongSecret)
}

// TestAResumedSessionRenewsNoHash: there is no password to renew it from, and
// the hash of none would take the place of the right one.
func TestAResumedSessionRenewsNoHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := &renewal{}
		w.rehash, w.stale = r, true
		w.start()
		g := w.attempt(t, vpnClient, "bob", text(bobPassword)).Grant
		w.engine.Close()
		w.resume(t, vpnClient, "bob", g).expect(t, Accept, ReasonPrimary)
		w.engine.Close()
		if len(r.given) != 1 {
			t.Errorf("renewed %d times, want once: %v", len(r.given), r.given)
		}
	})
}

// TestACertificateNeedsNoNameButARightOne: it says by itself whose it is.
func TestACertificateNeedsNoNameButARightOne(t *testing.T) {
	w := newWorld(t)
	proof := certificateProof{7}
	digest := w.engine.keys.Digest(CertificateText(proof))
	w.keep(t, "id-ann", CertificateText(proof), digest, func(p *directory.AppPassword) { p.Kind = directory.KindCertificate })
	w.prove(t, "", proof).expect(t, Accept, ReasonAppPassword)
	w.prove(t, "ann", proof).expect(t, Accept, ReasonAppPassword)
	w.prove(t, "bob", proof).expect(t, Reject, ReasonWrongSecret)
	w.prove(t, "nobody", proof).expect(t, Reject, ReasonUnknownAccount)
	w.prove(t, "", certificateProof{8}).expect(t, Reject, ReasonUnknownAccount)
	w.attempt(t, vpnClient, "", text(bobPassword)).expect(t, Reject, ReasonUnknownAccount)
}
