package portal

import (
	"errors"
	"net/http"

	"postern/directory"
	"postern/policy"
	"postern/portal/page"
)

type securityView struct {
	Demanded bool // MFA is
	Methods  []policy.Method
	Last     bool // the one method there is cannot be removed
	Recovery int
	Sessions []sessionLine
	Others   bool // there are sessions beside this one
	Form     string
}

func (securityView) frame() (title, nav, width string) { return "security.title", "security", "" }

// sessionLine is a sign-in to the portal as its owner reads it.
type sessionLine struct {
	directory.Session
	Agent string
	Here  bool // it is this one
}

// securityPage shows how the account signs in, and from where it is signed in.
func (p *Portal) securityPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	view := securityView{Demanded: v.mfa != policy.MFAOff, Form: p.form()}
	var err error
	if view.Methods, err = p.Accounts.Methods(r.Context(), v.id()); err != nil {
		p.failed(w, r, err)
		return
	}
	view.Last = view.Demanded && len(view.Methods) == 1
	if view.Recovery, err = p.Accounts.RecoveryCodesLeft(r.Context(), v.id()); err != nil {
		p.failed(w, r, err)
		return
	}
	if view.Sessions, err = p.sessions(r, v); err != nil {
		p.failed(w, r, err)
		return
	}
	view.Others = len(view.Sessions) > 1
	p.show(w, r, http.StatusOK, "security", view)
}

// sessions lists the sign-ins that have not run out, this one first.
func (p *Portal) sessions(r *http.Request, v *visitor) ([]sessionLine, error) {
	all, err := p.Listing.SessionsOf(r.Context(), v.id())
	if err != nil {
		return nil, err
	}
	var list []sessionLine
	now := p.Now()
	for _, s := range all {
		if over(s, now) {
			continue
		}
		entry := sessionLine{Session: s, Agent: page.Browser(s.Agent), Here: s.Digest == v.session.Digest}
		if entry.Here {
			list = append([]sessionLine{entry}, list...)
		} else {
			list = append(list, entry)
		}
	}
	return list, nil
}

func (p *Portal) endSession(w http.ResponseWriter, r *http.Request, v *visitor) {
	err := p.Listing.EndSession(r.Context(), v.id(), r.PostFormValue("session"))
	p.changed(w, r, err, "/security?done=session-ended")
}

func (p *Portal) endOtherSessions(w http.ResponseWriter, r *http.Request, v *visitor) {
	_, err := p.Listing.EndOtherSessions(r.Context(), v.id(), v.session.Digest)
	p.changed(w, r, err, "/security?done=sessions-ended")
}

func (p *Portal) renameMethod(w http.ResponseWriter, r *http.Request, v *visitor) {
	err := p.Accounts.RenameMethod(r.Context(), v.actor(), v.id(), r.PathValue("id"), r.PostFormValue("label"))
	p.changed(w, r, err, "/security?done=renamed")
}

type removeMethodView struct{ Method policy.Method }

func (removeMethodView) frame() (title, nav, width string) { return "remove.title", "security", "slim" }

// removeMethodPage asks once more, naming what will not work any more.
func (p *Portal) removeMethodPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	m, err := p.method(r, v)
	if errors.Is(err, directory.ErrNotFound) {
		p.notFound(w, r)
		return
	}
	if err != nil {
		p.failed(w, r, err)
		return
	}
	p.show(w, r, http.StatusOK, "removemethod", removeMethodView{m})
}

// method finds a second factor of the visitor.
func (p *Portal) method(r *http.Request, v *visitor) (policy.Method, error) {
	methods, err := p.Accounts.Methods(r.Context(), v.id())
	if err != nil {
		return policy.Method{}, err
	}
	for _, m := range methods {
		if m.ID == r.PathValue("id") {
			return m, nil
		}
	}
	return policy.Method{}, directory.ErrNotFound
}

func (p *Portal) removeMethod(w http.ResponseWriter, r *http.Request, v *visitor) {
	err := p.Accounts.RemoveMethod(r.Context(), v.actor(), v.id(), r.PathValue("id"))
	p.changed(w, r, err, "/security?done=method-removed")
}
