package portal

import (
	"net/http"
	"slices"

	"postern/directory"
	"postern/policy"
)

type homeView struct {
	State     policy.MFAState
	Live      int  // app passwords that work
	Any       bool // there are app passwords, ended ones too
	MayMake   bool
	Demanded  bool // app passwords are demanded of an account without MFA
	Recovery  int  // recovery codes left
	Enrolling bool
	Findings  []finding
}

func (homeView) frame() (title, nav, width string) { return "home.title", "home", "" }

// home shows who is signed in and what there is to do: the second step of the
// set-up.
func (p *Portal) home(w http.ResponseWriter, r *http.Request, v *visitor) {
	list, err := p.Accounts.AppPasswords(r.Context(), v.id())
	if err != nil {
		p.failed(w, r, err)
		return
	}
	left, err := p.Accounts.RecoveryCodesLeft(r.Context(), v.id())
	if err != nil {
		p.failed(w, r, err)
		return
	}
	view := homeView{
		State: v.mfa, Any: len(list) > 0, MayMake: p.mayMake(v), Demanded: p.demanded(v),
		Recovery: left, Enrolling: v.mfa == policy.MFAEnabled,
	}
	if v.full() {
		if view.Findings, err = p.diagnose(r.Context(), v); err != nil {
			p.failed(w, r, err)
			return
		}
	}
	for _, a := range list {
		if p.Accounts.State(a) == directory.AppPasswordLive {
			view.Live++
		}
	}
	p.show(w, r, http.StatusOK, "home", view)
}

// mayMake reports whether the owner may make app passwords: with MFA set up,
// or where the rules demand them without it.
func (p *Portal) mayMake(v *visitor) bool {
	return p.Settings().SelfService && v.full() && (v.mfa == policy.MFAEnforced || p.demanded(v))
}

// demanded reports whether some service or group demands app passwords of the
// account whatever its MFA state.
func (p *Portal) demanded(v *visitor) bool {
	rules := p.Accounts.Settings().Rules
	for _, s := range rules.Services {
		if s.RequireAppPassword {
			return true
		}
	}
	return slices.ContainsFunc(rules.AppPasswordGroups, func(g string) bool { return slices.Contains(v.holder.Groups, g) })
}
