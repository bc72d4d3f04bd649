package portal

import (
	"errors"
	"net/http"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

type passwordView struct {
	Problem string
	Wrong   string // the field that is wrong: "old", "new" or "again"
	Login   string // for password managers
}

func (passwordView) frame() (title, nav, width string) { return "password.title", "security", "slim" }

func (p *Portal) passwordPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	p.show(w, r, http.StatusOK, "password", passwordView{Login: v.holder.Account.Login})
}

// changePassword replaces the main password. The old one is decided by the
// engine like any other, so an app password does not do, and guesses are braked
// and recorded.
func (p *Portal) changePassword(w http.ResponseWriter, r *http.Request, v *visitor) {
	d := p.Engine.Authenticate(r.Context(), policy.Attempt{
		At: p.Now(), Login: v.holder.Account.Login, Naming: directory.LoginOnly,
		Secret: secret.NewText(r.PostFormValue("old")), Client: client("password"), Remote: p.remote(r), Secure: true,
	})
	if !hold(r.Context(), d.ReplyAt, p.Now) {
		return
	}
	switch d.Outcome {
	case policy.Accept, policy.SecondFactor, policy.Enrol:
		if d.Account == v.id() {
			p.setPassword(w, r, v)
			return
		}
	case policy.Busy, policy.Unavailable:
		p.answer(w, r, d, "/security")
		return
	}
	p.wrongOldPassword(w, r, v)
}

// wrongOldPassword asks again; after several wrong answers the session ends.
func (p *Portal) wrongOldPassword(w http.ResponseWriter, r *http.Request, v *visitor) {
	if count := "password/" + v.session.Digest; !p.tries.take(count) || p.tries.spent(count) {
		p.endHere(w, r, v)
		return
	}
	p.passwordAgain(w, r, v, "old", "password.wrong")
}

func (p *Portal) passwordAgain(w http.ResponseWriter, r *http.Request, v *visitor, field, key string) {
	p.show(w, r, http.StatusUnprocessableEntity, "password", passwordView{
		Problem: p.language(r).Text(key), Wrong: field, Login: v.holder.Account.Login,
	})
}

// setPassword ends every session of the account, and begins a new one here.
func (p *Portal) setPassword(w http.ResponseWriter, r *http.Request, v *visitor) {
	chosen := secret.NewText(r.PostFormValue("new"))
	if !chosen.Equal(secret.NewText(r.PostFormValue("again"))) {
		p.passwordAgain(w, r, v, "again", "password.differ")
		return
	}
	err := p.Accounts.SetPassword(r.Context(), v.actor(), v.id(), chosen, false)
	if text, refused := p.refusal(r, err); refused {
		p.show(w, r, http.StatusUnprocessableEntity, "password", passwordView{Problem: text, Wrong: "new", Login: v.holder.Account.Login})
		return
	}
	if errors.Is(err, secret.ErrBusy) {
		p.answer(w, r, policy.Decision{Outcome: policy.Busy}, "/security")
		return
	}
	if err == nil {
		err = p.raise(w, r, v, v.session.Stage)
	}
	if err != nil {
		p.failed(w, r, err)
		return
	}
	http.Redirect(w, r, "/security?done=password", http.StatusSeeOther)
}
