package browsertest

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestSevenStepsWithAnAuthenticatorApp walks what people are handed, in both
// languages, and takes what was copied to LDAP and RADIUS.
func TestSevenStepsWithAnAuthenticatorApp(t *testing.T) {
	for _, w := range []words{english, dutch} {
		t.Run(w.language, func(t *testing.T) {
			s := serve(t, "")
			s.person("ann", "Ann Example")
			v := open(t, s, w.language)
			v.allowClipboard()
			v.signIn("ann", w)
			v.press(w.setUp)
			v.press(w.app)
			v.reaches("/setup/app")
			v.fill("code", totp(t, v.says("#key"), 0))
			v.press(w.verify)
			s.finish(v, w)
		})
	}
}

// TestSevenStepsWithAPasskey walks them with a virtual authenticator, signs out
// and comes back with the passkey.
func TestSevenStepsWithAPasskey(t *testing.T) {
	for _, w := range []words{english, dutch} {
		t.Run(w.language, func(t *testing.T) {
			s := serve(t, "")
			s.person("ann", "Ann Example")
			v := open(t, s, w.language)
			v.allowClipboard()
			v.authenticator()
			v.signIn("ann", w)
			v.press(w.setUp)
			v.press(w.passkey)
			v.press(w.createPasskey)
			s.finish(v, w)

			v.do(chromedp.Click(chromedp.CSS(`form[action="/signout"] button`)))
			v.reaches("/signin")
			v.signIn("ann", w)
			v.press(w.usePasskey)
			v.reaches("/home")
		})
	}
}

// finish walks from the verified method to the app password that has worked.
func (s *server) finish(v *visit, w words) {
	s.t.Helper()
	v.reaches("/setup/done")
	v.press(w.next)
	v.reaches("/setup/recovery")
	v.do(chromedp.Click(chromedp.CSS(`input[type=checkbox]`)))
	v.press(w.next)
	v.reaches("/app-passwords/new")
	v.fill("label", "Outlook")
	v.press(w.next)
	v.do(chromedp.WaitVisible(chromedp.ID("app-password")))
	v.press(w.copy)
	v.until(`document.getElementById("spoken").textContent !== ""`)
	if spoken := v.says("#spoken"); spoken != w.copied {
		s.t.Errorf("after copying a screen reader says %q", spoken)
	}
	copied := v.clipboard()
	if !regexp.MustCompile(`^[a-z]{25}$`).MatchString(copied) {
		s.t.Fatalf("the copy button copies %d characters that are no app password", len(copied))
	}
	selected := evaluate[string](v, `getSelection().selectAllChildren(document.getElementById("app-password")), getSelection().toString()`)
	if strings.TrimSpace(selected) != copied {
		s.t.Errorf("selecting gives %d characters, the button %d", len(selected), len(copied))
	}
	v.press(w.paste)
	s.proves(v, w, copied)
}

// proves takes the copied text and the main password to both doors, and waits
// for the page to notice.
func (s *server) proves(v *visit, w words, copied string) {
	s.t.Helper()
	v.do(chromedp.WaitVisible(chromedp.CSS(`[data-live]`)))
	for _, door := range []struct {
		name string
		try  func(login, password string) bool
	}{{"LDAP", s.binds}, {"RADIUS", s.accepts}} {
		if door.try("ann", mainPassword) {
			s.t.Errorf("%s lets the main password in", door.name)
		}
		if !door.try("ann", copied) {
			s.t.Errorf("%s refuses the app password that was copied", door.name)
		}
	}
	v.sees(w.worked)
}
