package browsertest

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// key types keys into whatever has the focus.
func (v *visit) key(keys string) {
	v.t.Helper()
	v.do(chromedp.KeyEvent(keys))
}

// tabTo presses Tab until the element that a script names has the focus, as
// somebody without a mouse does, and wants the focus to be seen there.
func (v *visit) tabTo(element string) {
	v.t.Helper()
	v.until(`document.readyState === "complete" && ` + element)
	for range 60 {
		if evaluate[bool](v, `document.activeElement === `+element) {
			v.seesFocus()
			return
		}
		v.key(kb.Tab)
	}
	v.t.Fatalf("Tab never reaches %s\nthe page says:\n%s", element, v.text())
}

// seesFocus fails unless the focused element is drawn as such and lies within
// the window (WCAG 2.4.7, 2.4.11).
func (v *visit) seesFocus() {
	v.t.Helper()
	seen := evaluate[bool](v, `(() => {
		const style = getComputedStyle(document.activeElement), box = document.activeElement.getBoundingClientRect();
		return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) && box.bottom > 0 && box.top < innerHeight;
	})()`)
	if !seen {
		v.t.Errorf("the focus is not seen at %s", evaluate[string](v, `document.activeElement.outerHTML.slice(0, 200)`))
	}
}

func link(path string) string { return fmt.Sprintf(`document.querySelector('main a[href^=%q]')`, path) }

func button(form string) string {
	return fmt.Sprintf(`document.querySelector('main form[action=%q] button')`, form)
}

// TestSevenStepsByKeyboard uses no mouse: Tab, Space, Enter and letters.
func TestSevenStepsByKeyboard(t *testing.T) {
	s := serve(t, "")
	s.person("ann", "Ann Example")
	v := open(t, s, "en")
	v.goTo("/signin")
	v.tabTo(`document.getElementById("login")`)
	v.key("ann" + kb.Tab + mainPassword + kb.Enter)
	v.reaches("/home")
	v.key(kb.Tab)
	if !evaluate[bool](v, `document.activeElement.matches(".skip") && document.activeElement.getBoundingClientRect().top >= 0`) {
		t.Error("the first Tab does not show the link to the page itself")
	}
	v.key(kb.Enter)
	v.tabTo(link("/setup"))
	v.key(kb.Enter)
	v.reaches("/setup")
	v.tabTo(link("/setup/app"))
	v.key(kb.Enter)
	v.reaches("/setup/app")
	key := v.says("#key")
	v.tabTo(`document.getElementById("code")`)
	v.key(totp(t, key, 0) + kb.Enter)
	v.reaches("/setup/done")
	v.tabTo(button("/setup/recovery"))
	v.key(" ")
	v.reaches("/setup/recovery")
	v.tabTo(`document.querySelector("main input[type=checkbox]")`)
	v.key(" " + kb.Tab + kb.Enter)
	v.reaches("/app-passwords/new")
	v.tabTo(`document.getElementById("label")`)
	v.key("Outlook")
	v.tabTo(`document.getElementById("scope-any")`)
	v.tabTo(button("/app-passwords/new"))
	v.key(kb.Enter)
	v.until(`document.getElementById("app-password")`)
	v.tabTo(`document.querySelector("[data-copy=app-password]")`)
	v.tabTo(`document.querySelector("main a[href*='/use']")`)
	v.key(kb.Enter)
	v.until(`document.querySelector("[data-live]")`)
	v.tabTo(`document.querySelector("[data-copy=user-name]")`)

	v.goTo("/app-passwords")
	v.tabTo(`document.querySelector("main summary")`)
	v.key(kb.Enter)
	v.tabTo(`document.querySelector("main details input[name=label]")`)
	v.key(" 2" + kb.Enter)
	v.sees("The new name has been kept.")
	v.tabTo(`document.querySelector('main a[href$="/revoke"]')`)
	v.key(kb.Enter)
	v.until(`location.pathname.endsWith("/revoke")`)
	v.tabTo(`document.querySelector("main form button")`)
	v.key(kb.Enter)
	v.sees("The app password has been revoked.")
}
