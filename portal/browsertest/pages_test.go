package browsertest

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// page takes pictures and looks for barriers.
func (v *visit) page(name string) {
	v.t.Helper()
	v.until(`document.readyState === "complete"`)
	v.look(name)
	v.barriers(name)
}

// TestEveryPage goes through all pages of somebody's account, in both
// languages: each fits a phone, has no barriers and leaves pictures to look at.
func TestEveryPage(t *testing.T) {
	for _, w := range []words{english, dutch} {
		t.Run(w.language, func(t *testing.T) {
			s := serve(t, "")
			s.person("ann", "Ann Example")
			s.run(mainPassword, "user", "add", "otto", "--name", "Otto Off", "--password-stdin")
			v := open(t, s, w.language)
			s.strangerPages(v, w)
			s.setupPages(v, w)
			s.passwordPages(v, w)
			s.accountPages(v, w)
			s.administrationPages(w)
		})
	}
}

func (s *server) strangerPages(v *visit, w words) {
	s.t.Helper()
	n := w.language + "-"
	v.goTo("/signin")
	v.page(n + "signin")
	v.fill("login", "nobody")
	v.fill("password", "wrong")
	v.press(w.signIn)
	v.until(`document.getElementById("problem")`)
	v.page(n + "signin-refused")
	v.goTo("/no-such-page")
	v.page(n + "missing")

	other := open(s.t, s, w.language)
	other.signIn("otto", w)
	other.reaches("/home")
	other.page(n + "home-off")
	other.goTo("/security")
	other.page(n + "security-off")
	other.goTo("/app-passwords")
	other.page(n + "list-empty")
	other.goTo("/confirm?next=/security")
	other.page(n + "confirm-password")
}

func (s *server) setupPages(v *visit, w words) {
	s.t.Helper()
	n := w.language + "-"
	v.signIn("ann", w)
	v.reaches("/home")
	v.page(n + "home-setup")
	v.press(w.setUp)
	v.reaches("/setup")
	v.page(n + "setup")
	v.press(w.passkey)
	v.reaches("/setup/passkey")
	v.page(n + "setup-passkey")
	v.goTo("/setup/app")
	v.page(n + "setup-app")
	v.fill("code", "000000")
	v.press(w.verify)
	v.until(`document.getElementById("problem")`)
	v.page(n + "setup-app-wrong")
	v.fill("code", totp(s.t, v.says("#key"), 0))
	v.press(w.verify)
	v.reaches("/setup/done")
	v.page(n + "setup-done")
	v.press(w.next)
	v.reaches("/setup/recovery")
	v.page(n + "recovery")
	v.do(chromedp.Click(chromedp.CSS(`input[type=checkbox]`)))
	v.press(w.next)
	v.reaches("/app-passwords/new")
}

func (s *server) passwordPages(v *visit, w words) {
	s.t.Helper()
	n := w.language + "-"
	v.page(n + "new")
	v.fill("label", "Outlook")
	v.press(w.next)
	v.until(`document.getElementById("app-password")`)
	v.page(n + "made")
	secret := v.says("#app-password")
	v.press(w.paste)
	v.until(`document.querySelector("[data-live]")`)
	v.page(n + "use-waiting")
	s.binds("ann", mainPassword)
	v.until(`document.querySelector("[data-live].bad")`)
	v.page(n + "use-refused")
	s.accepts("ann", secret)
	v.sees(w.worked)
	v.page(n + "use-worked")
	here := evaluate[string](v, `location.pathname`)
	for _, kind := range []string{"apple-mail", "thunderbird", "phone", "printer", "vpn", "wifi"} {
		v.goTo(here + "?client=" + kind)
		v.page(n + "use-" + kind)
	}
	s.run("", "app-password", "issue", "ann", "--label", "The long name of the printer on the second floor, by the stairs", "--service", "mail", "--expires", "90d")
	s.run("", "app-password", "issue", "ann", "--label", "Old tablet")
	v.goTo("/app-passwords")
	v.page(n + "list")
	v.do(chromedp.Click(chromedp.CSS(`details summary`)))
	v.page(n + "list-rename")
	v.do(chromedp.Click(chromedp.CSS(`a[href$="/revoke"]`)))
	v.until(`location.pathname.endsWith("/revoke")`)
	v.page(n + "revoke")
	v.do(chromedp.Click(chromedp.CSS(`main form button`)))
	v.reaches("/app-passwords")
	v.page(n + "list-revoked")
	v.goTo("/app-passwords/revoke-all")
	v.page(n + "revoke-all")
}

func (s *server) accountPages(v *visit, w words) {
	s.t.Helper()
	n := w.language + "-"
	s.binds("ann", mainPassword)
	v.until(`fetch("/activity").then((r) => r.text()).then((t) => t.includes("finding"))`)
	v.goTo("/activity")
	if at := v.says("time[data-time]"); !regexp.MustCompile(`^\d{1,2} \p{L}+ \d{4}\b.* \d\d:\d\d$`).MatchString(at) {
		s.t.Errorf("%s: a time is written %q beside dates such as 2 November 2026", w.language, at)
	}
	v.page(n + "activity")
	v.goTo("/home")
	v.page(n + "home")
	other := open(s.t, s, w.language)
	other.signIn("ann", w)
	other.reaches("/signin/code")
	other.page(n + "code")
	v.goTo("/security")
	v.page(n + "security")
	v.goTo("/security/password")
	v.page(n + "password")
	v.goTo("/confirm")
	v.page(n + "confirm")
	v.goTo("/setup")
	v.page(n + "setup-more")
}

// administrationPages goes through what administrators see.
func (s *server) administrationPages(w words) {
	s.t.Helper()
	n := w.language + "-admin-"
	s.run("", "group", "add", "postern-admins", "--description", "Those who administer here")
	s.person("root", "Rosa Root")
	s.run("", "group", "add-member", "postern-admins", "root")
	v := open(s.t, s, w.language)
	v.signIn("root", w)
	v.reaches("/home")
	v.goTo("/setup")
	v.setUpFrom(w)
	for _, page := range []string{"groups", "legacy", "events", "installation"} {
		v.goTo("/admin/" + page)
		v.page(n + page)
	}
	v.goTo("/admin?search=ann")
	v.page(n + "people")
	v.do(chromedp.Click(chromedp.CSS(`main td a`)))
	v.until(`location.pathname.startsWith("/admin/people/")`)
	v.page(n + "person")
	v.do(chromedp.Click(chromedp.CSS(`form[action$="/enrol-code"] button`)))
	v.until(`document.getElementById("enrol-code")`)
	v.page(n + "enrol-code")
}

// TestEnrolmentFromElsewhere shows the page for somebody who is not on a
// network of enrol_from, and that the administrator's code opens the set-up.
func TestEnrolmentFromElsewhere(t *testing.T) {
	s := serve(t, `enrol_from = ["192.0.2.0/24"]`)
	s.person("ann", "Ann Example")
	v := open(t, s, "en")
	v.signIn("ann", english)
	v.press(english.setUp)
	v.until(`document.querySelector('form[action="/setup/code"]')`)
	v.page("en-enrol-code")
	fields := strings.Fields(s.run("", "user", "enrol-code", "ann"))
	for _, word := range fields {
		if strings.Count(word, "-") == 3 {
			v.fill("code", word)
		}
	}
	v.press(english.on)
	v.reaches("/setup")
	v.setUpFrom(english)
}

func (v *visit) setUpFrom(w words) {
	v.t.Helper()
	v.press(w.app)
	v.reaches("/setup/app")
	v.fill("code", totp(v.t, v.says("#key"), 0))
	v.press(w.verify)
	v.reaches("/setup/done")
}
