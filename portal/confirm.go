package portal

import (
	"net/http"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

type confirmView struct {
	codeView
	Password bool // nothing is enrolled: the primary is asked for again
}

func (confirmView) frame() (title, nav, width string) { return "confirm.title", "", "slim" }

// confirmPage asks for the second factor again; where MFA is off, for the
// password.
func (p *Portal) confirmPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	p.showConfirm(w, r, v, http.StatusOK, r.URL.Query().Get("next"), "")
}

func (p *Portal) showConfirm(w http.ResponseWriter, r *http.Request, v *visitor, status int, next, problem string) {
	codes, err := p.factors(r.Context(), v.id())
	if err != nil {
		p.failed(w, r, err)
		return
	}
	codes.Action, codes.Next, codes.Problem = "/confirm", local(next), problem
	p.show(w, r, status, "confirm", confirmView{codeView: codes, Password: v.mfa == policy.MFAOff})
}

// confirmTries is how many wrong answers in a row end the session.
const confirmTries = 5

// confirm checks what was asked for. The sign-in was decided before: this only
// makes sure that the same person still sits there.
func (p *Portal) confirm(w http.ResponseWriter, r *http.Request, v *visitor) {
	next := local(r.PostFormValue("next"))
	if !p.tries.take(v.session.Digest) {
		p.endHere(w, r, v)
		return
	}
	if v.mfa == policy.MFAOff {
		p.confirmPassword(w, r, v, next)
		return
	}
	ok, err := p.codeCheck(r)(r.Context(), v.id())
	switch {
	case err != nil:
		p.failed(w, r, err)
	case !ok:
		p.confirmRefused(w, r, v, next)
	default:
		p.confirmed(w, r, v, directory.SessionSecond, next)
	}
}

// confirmPassword has the engine decide the primary, as at sign-in.
func (p *Portal) confirmPassword(w http.ResponseWriter, r *http.Request, v *visitor, next string) {
	d := p.Engine.Authenticate(r.Context(), policy.Attempt{
		At: p.Now(), Login: v.holder.Account.Login, Naming: directory.LoginOnly,
		Secret: secret.NewText(r.PostFormValue("password")), Client: client("password"), Remote: p.remote(r), Secure: true,
	})
	if !hold(r.Context(), d.ReplyAt, p.Now) {
		return
	}
	switch {
	case d.Outcome == policy.Accept && d.Account == v.id():
		p.confirmed(w, r, v, directory.SessionPrimary, next)
	case d.Outcome == policy.Busy || d.Outcome == policy.Unavailable:
		p.answer(w, r, d, next)
	default:
		p.confirmRefused(w, r, v, next)
	}
}

func (p *Portal) confirmed(w http.ResponseWriter, r *http.Request, v *visitor, stage directory.SessionStage, next string) {
	if err := p.raise(w, r, v, stage); err != nil {
		p.failed(w, r, err)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// confirmRefused asks again; after several wrong answers the session ends.
func (p *Portal) confirmRefused(w http.ResponseWriter, r *http.Request, v *visitor, next string) {
	if p.tries.spent(v.session.Digest) {
		p.endHere(w, r, v)
		return
	}
	p.showConfirm(w, r, v, http.StatusUnauthorized, next, p.language(r).Text("confirm.refused"))
}

// endHere ends the visitor's session after too many wrong answers.
func (p *Portal) endHere(w http.ResponseWriter, r *http.Request, v *visitor) {
	err := p.Accounts.BreakSession(r.Context(), v.actor(), v.holder.Account, v.session.Digest, p.remote(r).Addr().String())
	if err != nil {
		p.failed(w, r, err)
		return
	}
	p.dropCookie(w, sessionName)
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
}

func (p *Portal) confirmPasskeyBegin(w http.ResponseWriter, r *http.Request, v *visitor) {
	p.askPasskey(w, r, v.id(), "confirm/"+v.session.Digest)
}

func (p *Portal) confirmPasskeyFinish(w http.ResponseWriter, r *http.Request, v *visitor) {
	sent, ok := readAnswer(r)
	if !ok {
		p.refusedJSON(w, r, http.StatusBadRequest, "passkey.refused")
		return
	}
	ok, err := p.checkPasskey(sent.Credential, "confirm/"+v.session.Digest)(r.Context(), v.id())
	if err != nil {
		p.failedJSON(w, r, err)
		return
	}
	if !ok {
		p.refusedJSON(w, r, http.StatusUnauthorized, "passkey.refused")
		return
	}
	if err := p.raise(w, r, v, directory.SessionSecond); err != nil {
		p.failedJSON(w, r, err)
		return
	}
	answerJSON(w, http.StatusOK, map[string]string{"next": local(r.URL.Query().Get("next"))})
}
