package portal

import (
	"context"
	"net/http"
	"strings"

	"postern/policy"
	"postern/secret"
)

type codeView struct {
	Problem string
	Passkey bool // the account has one
	TOTP    bool
	Action  string // where the code is sent: sign-in and confirmation share the page
	Next    string
}

func (codeView) frame() (title, nav, width string) { return "code.title", "", "slim" }

// waiting is the sign-in half way of this browser.
func (p *Portal) waiting(r *http.Request) (digest string, h halfway, ok bool) {
	token := p.cookie(r, pendingName)
	if token.Empty() {
		return "", halfway{}, false
	}
	digest = p.Keys.SessionDigest(token)
	h, ok = p.pending.get(digest, p.Now())
	return digest, h, ok
}

func (p *Portal) codePage(w http.ResponseWriter, r *http.Request) {
	_, h, ok := p.waiting(r)
	if !ok {
		http.Redirect(w, r, "/signin", http.StatusSeeOther)
		return
	}
	p.showCode(w, r, http.StatusOK, h, "")
}

func (p *Portal) showCode(w http.ResponseWriter, r *http.Request, status int, h halfway, problem string) {
	v, err := p.factors(r.Context(), h.decision.Account)
	if err != nil {
		p.failed(w, r, err)
		return
	}
	v.Problem, v.Action = problem, "/signin"
	p.show(w, r, status, "code", v)
}

// factors says which second factors an account can be asked for.
func (p *Portal) factors(ctx context.Context, accountID string) (codeView, error) {
	var v codeView
	methods, err := p.Accounts.Methods(ctx, accountID)
	for _, m := range methods {
		v.Passkey = v.Passkey || m.Kind == policy.MethodWebAuthn
		v.TOTP = v.TOTP || m.Kind == policy.MethodTOTP
	}
	return v, err
}

// codeEntered is the second leg with a code of the authenticator app, or a
// recovery code.
func (p *Portal) codeEntered(w http.ResponseWriter, r *http.Request) {
	p.secondLeg(w, r, "code", p.codeCheck(r))
}

// codeCheck checks the code that was posted: six digits are the authenticator
// app's, anything else can only be a recovery code.
func (p *Portal) codeCheck(r *http.Request) func(context.Context, string) (bool, error) {
	typed := strings.Join(strings.Fields(r.PostFormValue("code")), "")
	return func(ctx context.Context, accountID string) (bool, error) {
		if len(typed) == 6 {
			return p.Accounts.CheckTOTP(ctx, accountID, typed)
		}
		return p.Accounts.SpendRecoveryCode(ctx, accountID, secret.NewText(typed))
	}
}

// secondLeg brings a second factor to the engine and maps its decision.
func (p *Portal) secondLeg(w http.ResponseWriter, r *http.Request, method string, check func(context.Context, string) (bool, error)) {
	digest, h, ok := p.waiting(r)
	if !ok {
		http.Redirect(w, r, "/signin", http.StatusSeeOther)
		return
	}
	if !p.pending.try(digest) {
		p.pending.drop(digest)
		p.dropCookie(w, pendingName)
		p.show(w, r, http.StatusUnauthorized, "signin", signInView{Problem: p.language(r).Text("code.too-often"), Next: h.to})
		return
	}
	d := p.Engine.Authenticate(r.Context(), policy.Attempt{
		At: p.Now(), Client: client(method), Remote: p.remote(r), Secure: true,
		Second: &policy.Second{First: h.decision.Grant, Check: check},
	})
	if !hold(r.Context(), d.ReplyAt, p.Now) {
		return
	}
	if d.Outcome == policy.Reject || d.Outcome == policy.SecondFactor {
		p.showCode(w, r, http.StatusUnauthorized, h, p.language(r).Text("code.refused"))
		return
	}
	p.pending.drop(digest)
	p.dropCookie(w, pendingName)
	p.answer(w, r, d, h.to)
}
