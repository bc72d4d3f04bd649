package browsertest

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestSevenStepsWithoutScripts: with scripts off all but passkeys, copy buttons
// and the live line works, and nothing is offered that does not.
func TestSevenStepsWithoutScripts(t *testing.T) {
	s := serve(t, "")
	s.person("ann", "Ann Example")
	v := open(t, s, "en")
	v.call("Emulation.setScriptExecutionDisabled", params{"value": true})
	v.signIn("ann", english)
	v.press(english.setUp)
	v.press(english.passkey)
	v.reaches("/setup/passkey")
	v.sees("Passkeys need JavaScript")
	v.without(`[data-passkey]`)
	v.press("Choose another way")
	v.press(english.app)
	v.reaches("/setup/app")
	v.without(`[data-copy]`)
	v.fill("code", totp(t, v.says("#key"), 0))
	v.press(english.verify)
	v.reaches("/setup/done")
	v.press(english.next)
	v.reaches("/setup/recovery")
	v.do(chromedp.Click(chromedp.CSS(`input[type=checkbox]`)))
	v.press(english.next)
	v.reaches("/app-passwords/new")
	v.fill("label", "Outlook")
	v.press(english.next)
	v.until(`document.getElementById("app-password")`)
	v.without(`[data-copy]`)
	secret := v.says("#app-password")
	v.press(english.paste)
	v.sees("Waiting for the first sign-in")
	if !s.binds("ann", secret) {
		t.Error("the app password does not bind")
	}
	for end := time.Now().Add(patience); time.Now().Before(end); { // the record is written within a quarter of a second, or soon
		if evaluate[bool](v, `document.body.innerText.includes("It worked")`) {
			break
		}
		evaluate[bool](v, `window.before = true`)
		v.press("Check again")
		v.until(`!window.before && document.readyState === "complete"`)
	}
	v.sees(english.worked)
	v.goTo("/activity")
	v.sees("UTC")
	v.goTo("/security")
	v.do(chromedp.Click(chromedp.CSS(`main summary`)))
	v.until(`document.querySelector("main details input").checkVisibility()`)
}

// without fails where something that needs scripts is shown.
func (v *visit) without(selector string) {
	v.t.Helper()
	if evaluate[bool](v, `[...document.querySelectorAll("`+selector+`")].some((e) => e.checkVisibility())`) {
		v.t.Errorf("%s is shown without scripts", selector)
	}
}
