package portal

import (
	"net/http"

	"postern/directory"
	"postern/policy"
)

func (p *Portal) signInPasskeyBegin(w http.ResponseWriter, r *http.Request) {
	digest, h, ok := p.waiting(r)
	if !ok {
		p.refusedJSON(w, r, http.StatusUnauthorized, "passkey.refused")
		return
	}
	p.askPasskey(w, r, h.decision.Account, "signin/"+digest)
}

// signInPasskeyFinish is the second leg with a passkey.
func (p *Portal) signInPasskeyFinish(w http.ResponseWriter, r *http.Request) {
	digest, h, ok := p.waiting(r)
	sent, read := readAnswer(r)
	if !ok || !read || !p.pending.try(digest) {
		p.refusedJSON(w, r, http.StatusUnauthorized, "passkey.refused")
		return
	}
	d := p.Engine.Authenticate(r.Context(), policy.Attempt{
		At: p.Now(), Client: client("passkey"), Remote: p.remote(r), Secure: true,
		Second: &policy.Second{First: h.decision.Grant, Check: p.checkPasskey(sent.Credential, "signin/"+digest)},
	})
	if !hold(r.Context(), d.ReplyAt, p.Now) || !p.outcomeJSON(w, r, d) {
		return
	}
	p.pending.drop(digest)
	p.dropCookie(w, pendingName)
	if err := p.begin(w, r, d.Account, directory.SessionSecond); err != nil {
		p.failedJSON(w, r, err)
		return
	}
	answerJSON(w, http.StatusOK, map[string]string{"next": h.to})
}
