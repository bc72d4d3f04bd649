package browsertest

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// TestAnUnusedPageSaysSoBeforeTheSignInEnds moves the page's clock, looks at
// what it says, and keeps the sign-in with one click.
func TestAnUnusedPageSaysSoBeforeTheSignInEnds(t *testing.T) {
	s := serve(t, "")
	s.person("ann", "Ann Example")
	v := open(t, s, "en")
	v.signIn("ann", english)
	v.reaches("/home")
	const box = `document.querySelector("[data-idle]")`
	minutes := func(n string) {
		evaluate[bool](v, `(() => {
			const now = Date.now; Date.now = () => now() + `+n+` * 60000;
			document.dispatchEvent(new Event("visibilitychange"));
			return true;
		})()`)
	}
	minutes("20")
	if evaluate[bool](v, `!`+box+`.hidden`) {
		t.Error("it warns after twenty minutes")
	}
	minutes("8")
	v.until(`!` + box + `.hidden`)
	v.sees("you will be signed out within two minutes")
	v.page("en-idle")
	v.do(chromedp.Click(chromedp.CSS(`[data-stay]`)))
	v.until(box + `.hidden`)
	minutes("31")
	v.until(`!` + box + `.hidden && !` + box + `.querySelector("a").hidden`)
	v.sees("You have been signed out")
	v.page("en-idle-over")
}
