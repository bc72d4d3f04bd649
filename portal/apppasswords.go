package portal

import (
	"net/http"
	"slices"
	"strings"

	"postern/account"
	"postern/directory"
	"postern/secret"
)

// shown is an app password as the list shows it.
type shown struct {
	directory.AppPassword
	State string
	Live  bool
	Never bool // never used
}

type listView struct {
	Live, Ended []shown
	MayMake     bool
}

func (listView) frame() (title, nav, width string) { return "list.title", "app-passwords", "" }

// appPasswordsPage lists what there is, also where none can be made any more.
func (p *Portal) appPasswordsPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	list, err := p.Accounts.AppPasswords(r.Context(), v.id())
	if err != nil {
		p.failed(w, r, err)
		return
	}
	view := listView{MayMake: p.mayMake(v)}
	for _, a := range list {
		if a.Kind != directory.KindAppPassword {
			continue
		}
		state := p.Accounts.State(a)
		s := shown{AppPassword: a, State: state.String(), Live: state == directory.AppPasswordLive, Never: a.LastUsedAt.IsZero()}
		if s.Live {
			view.Live = append(view.Live, s)
		} else {
			view.Ended = append(view.Ended, s)
		}
	}
	p.show(w, r, http.StatusOK, "apppasswords", view)
}

// choice is a service an app password can be limited to.
type choice struct {
	Name   string
	Chosen bool
}

type newView struct {
	Problem  string
	Label    string
	Services []choice
	Only     bool // those, not everything
	Form     string
	First    bool // part of the set-up
	Steps    []string
	At       int
}

func (newView) frame() (title, nav, width string) { return "new.title", "app-passwords", "" }

func (p *Portal) newAppPasswordPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	if !p.mayMake(v) {
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	view := p.newView(nil)
	view.First = r.URL.Query().Has("setup")
	p.show(w, r, http.StatusOK, "apppasswordnew", view)
}

// newView offers the services, those of chosen ticked; none chosen: the
// configured defaults.
func (p *Portal) newView(chosen []string) newView {
	settings := p.Accounts.Settings()
	if len(chosen) == 0 {
		chosen = settings.DefaultServices
	}
	view := newView{Form: p.form(), Steps: setupSteps, At: 3, Only: !slices.Contains(chosen, directory.AnyService)}
	names := slices.DeleteFunc(settings.Services(), func(name string) bool {
		return name == directory.AnyService || name == directory.DefaultService
	})
	for _, name := range append(names, directory.DefaultService) {
		view.Services = append(view.Services, choice{name, slices.Contains(chosen, name)})
	}
	return view
}

// services are those that were ticked. Where none was, everything must have
// been chosen: that it was shown first is no reason to open more than was asked.
func services(r *http.Request) []string {
	ticked := r.PostForm["service"]
	if len(ticked) == 0 && r.PostFormValue("scope") == directory.AnyService {
		return []string{directory.AnyService}
	}
	if len(ticked) == 0 {
		return []string{""} // which is none there is
	}
	return ticked
}

type madeView struct {
	Secret   secret.Text
	Password directory.AppPassword
	Login    string
	First    bool
	Steps    []string
	At       int
}

func (madeView) shownOnce() {}

func (madeView) frame() (title, nav, width string) { return "made.title", "app-passwords", "" }

// newAppPassword makes an app password and shows it, once: the page that is
// the answer is the only one that ever holds it.
func (p *Portal) newAppPassword(w http.ResponseWriter, r *http.Request, v *visitor) {
	if !p.mayMake(v) {
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	if !p.once(r, v) {
		p.show(w, r, http.StatusConflict, "message", message{Title: "once.title", Text: "once.text", To: "/app-passwords", Link: "once.link"})
		return
	}
	first := r.PostFormValue("first") != ""
	issued, err := p.Accounts.Issue(r.Context(), v.actor(), v.id(), account.Request{
		Label: r.PostFormValue("label"), Services: services(r),
	})
	if err != nil {
		p.again(r, v)
	}
	if text, refused := p.refusal(r, err); refused {
		view := p.newView(services(r))
		view.Problem, view.Label, view.First = text, r.PostFormValue("label"), first
		p.show(w, r, http.StatusUnprocessableEntity, "apppasswordnew", view)
		return
	}
	if err != nil {
		p.failed(w, r, err)
		return
	}
	p.show(w, r, http.StatusOK, "apppasswordmade", madeView{
		Secret: issued.Secret, Password: issued.AppPassword, Login: issued.Login, First: first, Steps: setupSteps, At: 3,
	})
}

func (p *Portal) renameAppPassword(w http.ResponseWriter, r *http.Request, v *visitor) {
	err := p.Accounts.Rename(r.Context(), v.actor(), v.id(), r.PathValue("id"), r.PostFormValue("label"))
	p.changed(w, r, err, "/app-passwords?done=renamed")
}

type revokeView struct {
	Password directory.AppPassword
	Count    int // of all, where all are to be revoked
}

func (revokeView) frame() (title, nav, width string) { return "revoke.title", "app-passwords", "slim" }

// revokePage asks once more, naming what will stop working.
func (p *Portal) revokePage(w http.ResponseWriter, r *http.Request, v *visitor) {
	list, err := p.Accounts.AppPasswords(r.Context(), v.id())
	if err != nil {
		p.failed(w, r, err)
		return
	}
	for _, a := range list {
		if a.ID == r.PathValue("id") && p.Accounts.State(a) == directory.AppPasswordLive {
			p.show(w, r, http.StatusOK, "revoke", revokeView{Password: a})
			return
		}
	}
	p.notFound(w, r)
}

func (p *Portal) revoke(w http.ResponseWriter, r *http.Request, v *visitor) {
	_, err := p.Accounts.Revoke(r.Context(), v.actor(), v.id(), r.PathValue("id"))
	p.changed(w, r, err, "/app-passwords?done=revoked")
}

func (p *Portal) revokeAllPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	list, err := p.Accounts.AppPasswords(r.Context(), v.id())
	if err != nil {
		p.failed(w, r, err)
		return
	}
	view := revokeView{}
	for _, a := range list {
		if p.Accounts.State(a) == directory.AppPasswordLive {
			view.Count++
		}
	}
	p.show(w, r, http.StatusOK, "revoke", view)
}

func (p *Portal) revokeAll(w http.ResponseWriter, r *http.Request, v *visitor) {
	_, err := p.Accounts.RevokeAll(r.Context(), v.actor(), v.id())
	p.changed(w, r, err, "/app-passwords?done=revoked-all")
}

// changed answers a change that has no page of its own: it goes to, or says
// why it was refused.
func (p *Portal) changed(w http.ResponseWriter, r *http.Request, err error, to string) {
	if text, refused := p.refusal(r, err); refused {
		back, _, _ := strings.Cut(to, "?")
		p.show(w, r, http.StatusUnprocessableEntity, "refused", refusedView{Problem: text, Back: back})
		return
	}
	if err != nil {
		p.failed(w, r, err)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

type refusedView struct{ Problem, Back string }

func (refusedView) frame() (title, nav, width string) { return "refused.title", "", "slim" }
