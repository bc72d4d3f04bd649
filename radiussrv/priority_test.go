package radiussrv_test

import (
	"context"
	"testing"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2869"

	"postern/policy"
	"postern/radiussrv"
)

// TestAConversationUnderWayComesBeforeWhatBegins is RFC 5080 §2.2.3: with one
// worker and a crowd before it, the message that goes on with something is
// answered next, also before beginnings of other conversations; and what bears
// a State that nobody gave out waits its turn.
func TestAConversationUnderWayComesBeforeWhatBegins(t *testing.T) {
	const each = 100 * time.Millisecond
	cfg := md5Peers()
	cfg.Clients[0].Methods = append(cfg.Clients[0].Methods, radiussrv.PAP)
	cfg.Workers, cfg.Queue, cfg.Deadline = 1, 64, time.Minute
	decide := cfg.Authenticator
	cfg.Authenticator = authenticate(func(ctx context.Context, a policy.Attempt) policy.Decision {
		time.Sleep(each)
		if a.Proof == nil {
			return policy.Decision{Outcome: policy.Accept}
		}
		return decide.Authenticate(ctx, a)
	})
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		first := roundOf(t, r.ask(eapRequest(t, identity("ann"), nil)))
		for n := range 20 {
			r.sendFrom("127.0.0.1:"+itoa(1024+n), good(t))
			r.sendFrom("127.0.0.1:"+itoa(2048+n), eapRequest(t, identity("bob"), nil))
		}
		r.sendFrom("127.0.0.1:3000", eapRequest(t, first.answer(readable), make([]byte, 16)))
		r.send(eapRequest(t, first.answer(readable), first.state))
		began, behind := time.Now(), 0
		for time.Since(began) < 10*time.Second {
			for _, reply := range r.replies() {
				if reply.raw[0] == byte(radius.CodeAccessAccept) && reply.peer == nas {
					if took := time.Since(began); took > 3*each || behind > 2 {
						t.Errorf("it was answered after %v and %d others", took, behind)
					}
					return
				}
				if p, err := radius.Parse(reply.raw, []byte(sharedSecret)); err == nil && len(rfc2869.EAPMessage_Get(p)) == 4 {
					t.Errorf("what bears a State nobody gave out is answered before it")
				}
				behind++
			}
			time.Sleep(each / 10)
		}
		t.Errorf("it was not answered, and %d others were", behind)
	})
}
