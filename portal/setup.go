package portal

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"

	"postern/account"
	"postern/directory"
	"postern/policy"
	"postern/portal/page"
	"postern/portal/passkey"
	"postern/secret"
)

// setupSteps are the steps of the set-up, by the keys of their words.
var setupSteps = []string{"method", "verify", "recovery", "app-password", "use"}

type setupView struct {
	Problem string
	Steps   []string
	At      int
	First   bool // nothing is enrolled yet
	// The authenticator app:
	QR         page.QR
	Key, URI   secret.Text
	ID, Sealed string
	Label      string
}

func (v setupView) frame() (title, nav, width string) {
	if v.First {
		return "setup.title", "home", ""
	}
	return "setup.title", "security", ""
}

// settingUp lets in who may enrol a second factor now. The first one can be
// enrolled with the primary alone only from enrol_from, or with an enrol code;
// a further one takes a fresh proof of one there is.
func (p *Portal) settingUp(h pageFunc) http.HandlerFunc {
	return p.enrolling(func(w http.ResponseWriter, r *http.Request, v *visitor) {
		switch {
		case v.mfa == policy.MFAOff:
			http.Redirect(w, r, "/home", http.StatusSeeOther)
		case v.mfa == policy.MFAEnforced && !v.proven(p.Now()):
			p.toConfirm(w, r)
		case v.mfa == policy.MFAEnabled && !p.mayEnrol(r, v):
			p.show(w, r, http.StatusOK, "enrolcode", enrolCodeView{})
		default:
			h(w, r, v)
		}
	})
}

// mayEnrol does not take a proxy for a person who sits beside it: one that does
// not say for whom it asks may ask for anybody.
func (p *Portal) mayEnrol(r *http.Request, v *visitor) bool {
	at, settings := p.remote(r).Addr(), p.Settings()
	near := within(settings.EnrolFrom, at) && !within(settings.TrustedProxies, at)
	return near || p.moments.has("enrol/"+v.session.Digest, p.Now())
}

type enrolCodeView struct{ Problem string }

func (enrolCodeView) frame() (title, nav, width string) { return "enrol-code.title", "", "slim" }

// enrolCodeEntered takes the code that the administrator gave.
func (p *Portal) enrolCodeEntered(w http.ResponseWriter, r *http.Request, v *visitor) {
	if !p.tries.take(v.session.Digest) {
		p.endHere(w, r, v)
		return
	}
	ok, err := p.Accounts.SpendEnrolCode(r.Context(), v.id(), secret.NewText(r.PostFormValue("code")))
	switch {
	case err != nil:
		p.failed(w, r, err)
	case ok:
		now := p.Now()
		p.moments.put("enrol/"+v.session.Digest, nil, now, now.Add(sessionIdle))
		http.Redirect(w, r, "/setup", http.StatusSeeOther)
	case p.tries.spent(v.session.Digest):
		p.endHere(w, r, v)
	default:
		p.show(w, r, http.StatusUnauthorized, "enrolcode", enrolCodeView{Problem: p.language(r).Text("enrol-code.refused")})
	}
}

func (p *Portal) setupPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	p.show(w, r, http.StatusOK, "setup", p.setupView(v, 0))
}

func (p *Portal) setupView(v *visitor, at int) setupView {
	return setupView{Steps: setupSteps, At: at, First: v.mfa == policy.MFAEnabled}
}

// setupAppPage shows a new seed as QR code and text. The seed goes with the
// form, sealed to the account: nothing is kept until a code shows that the app
// has it.
func (p *Portal) setupAppPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	pending, err := p.Accounts.StartTOTP(r.Context(), v.id(), "Postern ("+p.Settings().PublicURL.Hostname()+")")
	if err != nil {
		p.failed(w, r, err)
		return
	}
	view := p.setupView(v, 1)
	view.Label = p.language(r).Text("setup.app-label")
	p.showApp(w, r, http.StatusOK, view, pending)
}

func (p *Portal) showApp(w http.ResponseWriter, r *http.Request, status int, view setupView, pending account.PendingTOTP) {
	qr, err := page.NewQR(pending.URI)
	if err != nil {
		p.failed(w, r, err)
		return
	}
	view.QR, view.Key, view.URI = qr, pending.Key, pending.URI
	view.ID, view.Sealed = pending.ID, base64.RawURLEncoding.EncodeToString(pending.Sealed)
	p.show(w, r, status, "setupapp", view)
}

// setupApp enrols the authenticator app if the code is right.
func (p *Portal) setupApp(w http.ResponseWriter, r *http.Request, v *visitor) {
	sealed, err := base64.RawURLEncoding.DecodeString(r.PostFormValue("sealed"))
	if err != nil {
		http.Redirect(w, r, "/setup/app", http.StatusSeeOther)
		return
	}
	pending := account.PendingTOTP{ID: r.PostFormValue("id"), Sealed: sealed}
	code := strings.Join(strings.Fields(r.PostFormValue("code")), "")
	if p.isEnrolled(r, v, pending.ID) { // sent twice
		http.Redirect(w, r, afterEnrol(v), http.StatusSeeOther)
		return
	}
	_, err = p.Accounts.FinishTOTP(r.Context(), v.actor(), v.id(), pending, r.PostFormValue("label"), code)
	if isForeign(err) {
		http.Redirect(w, r, "/setup/app", http.StatusSeeOther)
		return
	}
	if text, refused := p.refusal(r, err); refused {
		p.setupAppAgain(w, r, v, pending, text)
		return
	}
	if err != nil {
		p.failed(w, r, err)
		return
	}
	p.enrolled(w, r, v)
}

// isForeign reports whether the form did not come from here: there is nothing
// to show again, and setting up begins anew.
func isForeign(err error) bool {
	var no *account.Refusal
	return errors.As(err, &no) && no.Code == account.ForeignSetUp
}

// isEnrolled reports whether the visitor has that method already.
func (p *Portal) isEnrolled(r *http.Request, v *visitor, id string) bool {
	methods, err := p.Accounts.Methods(r.Context(), v.id())
	return err == nil && slices.ContainsFunc(methods, func(m policy.Method) bool { return m.ID == id })
}

// setupAppAgain shows the same seed once more, with what was wrong.
func (p *Portal) setupAppAgain(w http.ResponseWriter, r *http.Request, v *visitor, pending account.PendingTOTP, problem string) {
	pending, err := p.Accounts.ResumeTOTP(r.Context(), v.id(), "Postern ("+p.Settings().PublicURL.Hostname()+")", pending)
	if err != nil {
		p.failed(w, r, err)
		return
	}
	view := p.setupView(v, 1)
	view.Problem, view.Label = problem, r.PostFormValue("label")
	p.showApp(w, r, http.StatusUnprocessableEntity, view, pending)
}

// enrolled goes on after a method was enrolled: the session has shown it.
func (p *Portal) enrolled(w http.ResponseWriter, r *http.Request, v *visitor) {
	if err := p.raise(w, r, v, directory.SessionSecond); err != nil {
		p.failed(w, r, err)
		return
	}
	http.Redirect(w, r, afterEnrol(v), http.StatusSeeOther)
}

func afterEnrol(v *visitor) string {
	if v.mfa == policy.MFAEnabled {
		return "/setup/done"
	}
	return "/security?done=method-added"
}

func (p *Portal) setupPasskeyPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	view := p.setupView(v, 1)
	view.Label = p.language(r).Text("setup.passkey-label")
	p.show(w, r, http.StatusOK, "setuppasskey", view)
}

func (p *Portal) setupPasskeyBegin(w http.ResponseWriter, r *http.Request, v *visitor) {
	person, _, err := p.passkeys(r.Context(), v.id())
	if err != nil {
		p.failedJSON(w, r, err)
		return
	}
	p.beginCeremony(w, r, "setup/"+v.session.Digest, person, (*passkey.Site).BeginEnrol)
}

func (p *Portal) setupPasskeyFinish(w http.ResponseWriter, r *http.Request, v *visitor) {
	sent, ok := readAnswer(r)
	if !ok {
		p.refusedJSON(w, r, http.StatusBadRequest, "passkey.refused")
		return
	}
	if err := p.enrolPasskey(r, v, sent); err != nil {
		if text, refused := p.refusal(r, err); refused {
			answerJSON(w, http.StatusUnprocessableEntity, map[string]string{"error": text})
			return
		}
		p.failedJSON(w, r, err)
		return
	}
	if err := p.raise(w, r, v, directory.SessionSecond); err != nil {
		p.failedJSON(w, r, err)
		return
	}
	answerJSON(w, http.StatusOK, map[string]string{"next": afterEnrol(v)})
}

func (p *Portal) enrolPasskey(r *http.Request, v *visitor, sent ceremonyAnswer) error {
	site, err := p.site()
	if err != nil {
		return err
	}
	person, _, err := p.passkeys(r.Context(), v.id())
	if err != nil {
		return err
	}
	key, err := site.FinishEnrol(person, p.moments.take("setup/"+v.session.Digest, p.Now()), sent.Credential)
	if err != nil {
		return err
	}
	_, err = p.Accounts.AddWebAuthn(r.Context(), v.actor(), v.id(), sent.Label, key.Credential, key.Counter)
	return err
}

// setupDonePage says that the method works and leads on: Next.
func (p *Portal) setupDonePage(w http.ResponseWriter, r *http.Request, v *visitor) {
	p.show(w, r, http.StatusOK, "setupdone", recoveryView{Steps: setupSteps, At: 2, Form: p.form(), First: true})
}

type recoveryView struct {
	Steps []string
	At    int
	Form  string
	Codes [][]string
	First bool // part of the set-up
}

func (recoveryView) shownOnce() {}

func (recoveryView) frame() (title, nav, width string) { return "recovery.title", "security", "" }

// recoveryCodes makes new recovery codes and shows them, once.
func (p *Portal) recoveryCodes(w http.ResponseWriter, r *http.Request, v *visitor) {
	first := r.PostFormValue("first") != ""
	if !p.once(r, v) {
		to := "/security"
		if first {
			to = "/app-passwords/new?setup=1"
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	codes, err := p.Accounts.NewRecoveryCodes(r.Context(), v.actor(), v.id())
	if err != nil {
		p.again(r, v)
		p.failed(w, r, err)
		return
	}
	view := recoveryView{Steps: setupSteps, At: 2, First: first}
	for _, c := range codes {
		view.Codes = append(view.Codes, account.GroupCode(c))
	}
	p.show(w, r, http.StatusOK, "recovery", view)
}

// form returns a name for one showing of a form whose sending must count once.
func (p *Portal) form() string {
	token, err := newToken(p.Random)
	if err != nil {
		return ""
	}
	return hex.EncodeToString([]byte(token.Reveal()[:16]))
}

// once reports whether this showing of a form is sent for the first time: a
// page that is loaded again neither makes a second secret nor shows the first.
func (p *Portal) once(r *http.Request, v *visitor) bool {
	name := r.PostFormValue("form")
	if len(name) != 32 {
		return false
	}
	now := p.Now()
	return p.moments.put("form/"+v.id()+"/"+name, nil, now, now.Add(sessionMost))
}

// again lets a form be sent once more: nothing came of it.
func (p *Portal) again(r *http.Request, v *visitor) {
	p.moments.take("form/"+v.id()+"/"+r.PostFormValue("form"), p.Now())
}
