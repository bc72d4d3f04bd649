package browsertest

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cdplog "github.com/chromedp/cdproto/log"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience bounds the wait for what must come: a browser and all its processes
// share the machine with other tests.
const patience = time.Minute

var chromium struct {
	sync.Mutex
	ctx context.Context
}

// TestMain ends the one browser that all tests share.
func TestMain(m *testing.M) {
	code := m.Run()
	if chromium.ctx != nil {
		_ = chromedp.Cancel(chromium.ctx) // it is over either way
	}
	os.Exit(code)
}

// start starts the browser, once.
func start(t *testing.T) context.Context {
	t.Helper()
	chromium.Lock()
	defer chromium.Unlock()
	if chromium.ctx != nil {
		return chromium.ctx
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(needs(t, "chromium")), chromedp.NoSandbox,
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE localhost"),
		chromedp.WindowSize(1280, 900), chromedp.WSURLReadTimeout(2*patience))
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal("starting chromium:", err)
	}
	chromium.ctx = ctx
	return ctx
}

// visit is a browser profile of its own with one tab.
type visit struct {
	t   *testing.T
	ctx context.Context
	at  string // the portal's URL
}

// open opens a tab that prefers a language.
func open(t *testing.T, s *server, language string) *visit {
	t.Helper()
	ctx, cancel := chromedp.NewContext(start(t), chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 20*time.Minute)
	t.Cleanup(cancel)
	v := &visit{t, ctx, s.portal}
	v.complain()
	v.call("Network.enable", nil)
	v.call("Network.setExtraHTTPHeaders", params{"headers": params{"Accept-Language": language}})
	return v
}

// complain fails the test where a script fails or the page breaks its own
// policy, which the browser writes to the console.
func (v *visit) complain() {
	v.t.Helper()
	err := chromedp.Listen(v.ctx, func(ev any) {
		switch e := ev.(type) {
		case *cdpruntime.EventExceptionThrown:
			v.t.Errorf("a script failed: %s", e.ExceptionDetails.Text)
		case *cdplog.EventEntryAdded:
			if strings.Contains(e.Entry.Text, "Content Security Policy") {
				v.t.Errorf("the page breaks its policy: %s", e.Entry.Text)
			}
		}
	})
	if err != nil {
		v.t.Fatal(err)
	}
	v.call("Log.enable", nil)
}

// params are those of a command of the DevTools protocol.
type params map[string]any

// call sends one to the tab.
func (v *visit) call(method string, p params) {
	v.t.Helper()
	if p == nil {
		p = params{}
	}
	v.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		return chromedp.Void{}, t.Call(ctx, method, p, &struct{}{})
	})
}

type step = chromedp.Action[chromedp.Void]

func (v *visit) do(steps ...step) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		v.t.Fatalf("%v\nthe page says:\n%s", err, v.text())
	}
}

// ask runs a step that returns something.
func ask[T any](v *visit, a chromedp.Action[T]) T {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, a)
	if err != nil {
		v.t.Fatalf("%v\nthe page says:\n%s", err, v.text())
	}
	return got
}

// text is what the page says, for a test that fails.
func (v *visit) text() string {
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.pathname + "\n" + document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return text
}

func (v *visit) goTo(path string) {
	v.t.Helper()
	v.do(chromedp.Navigate(v.at + path))
}

// named is a link, button or summary by how its words begin.
func named(words string) string {
	quoted := fmt.Sprintf("%q", words)
	return `//main//*[self::a or self::button or self::summary][starts-with(normalize-space(.), ` + quoted + `)] | //header//*[self::a or self::button][starts-with(normalize-space(.), ` + quoted + `)]`
}

// press clicks it as a person would: by the mouse, where it is seen.
func (v *visit) press(words string) {
	v.t.Helper()
	v.until(fmt.Sprintf(`document.readyState === "complete" && document.evaluate(%q, document).iterateNext()?.checkVisibility()`, named(words)))
	v.do(chromedp.Click(named(words)))
}

// sees waits for words on the page.
func (v *visit) sees(words string) {
	v.t.Helper()
	v.until(fmt.Sprintf(`document.body && document.body.innerText.includes(%q)`, words))
}

// reaches waits for a path.
func (v *visit) reaches(path string) {
	v.t.Helper()
	v.until(fmt.Sprintf(`location.pathname === %q && document.readyState === "complete"`, path))
}

// until waits for something to become true. The page may change under the
// question: then it is asked of the next one.
func (v *visit) until(script string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		yes, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+script+")"))
		if err == nil && yes {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			v.t.Fatalf("never came true: %s\nlast: %v\nthe page says:\n%s", script, err, v.text())
		}
	}
}

func (v *visit) fill(id, text string) {
	v.t.Helper()
	v.until(fmt.Sprintf(`document.readyState === "complete" && document.getElementById(%q)?.checkVisibility()`, id))
	evaluate[bool](v, fmt.Sprintf(`(field => { field.focus(); field.select(); return true; })(document.getElementById(%q))`, id))
	v.call("Input.insertText", params{"text": text})
}

// says is the text of an element.
func (v *visit) says(selector string) string {
	v.t.Helper()
	return ask(v, chromedp.TextContent(chromedp.CSS(selector)))
}

func evaluate[T any](v *visit, script string) T {
	v.t.Helper()
	return ask(v, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// signIn gives the main password.
func (v *visit) signIn(login string, words words) {
	v.t.Helper()
	v.goTo("/")
	v.reaches("/signin")
	v.fill("login", login)
	v.fill("password", mainPassword)
	v.press(words.signIn)
}

// clipboard reads what was copied, which takes a permission.
func (v *visit) clipboard() string {
	v.t.Helper()
	return evaluate[string](v, `navigator.clipboard.readText()`)
}

func (v *visit) allowClipboard() {
	v.t.Helper()
	c := chromedp.FromContext(v.ctx)
	p := params{"permissions": []string{"clipboardReadWrite", "clipboardSanitizedWrite"}, "origin": v.at, "browserContextId": c.BrowserContextID}
	if err := c.Browser.Call(v.ctx, "Browser.grantPermissions", p, &struct{}{}); err != nil {
		v.t.Fatal(err)
	}
}

// authenticator gives the tab a passkey holder that says yes.
func (v *visit) authenticator() {
	v.t.Helper()
	v.call("WebAuthn.enable", nil)
	v.call("WebAuthn.addVirtualAuthenticator", params{"options": params{
		"protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
		"hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true,
	}})
}

// totp is the code of a base32 key now (RFC 6238), computed here so that the
// server's own arithmetic is not what checks it. after makes it a later one.
func totp(t *testing.T, key string, after int64) string {
	t.Helper()
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(strings.Join(strings.Fields(key), "")))
	if err != nil {
		t.Fatal("reading the key:", err)
	}
	mac := hmac.New(sha1.New, seed)
	_ = binary.Write(mac, binary.BigEndian, time.Now().Unix()/30+after) // a hash takes all
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}

// look takes pictures of the page, light, dark and at a phone's width, into
// screenshots/ at the root, which is not committed.
func (v *visit) look(name string) {
	v.t.Helper()
	for _, how := range []struct {
		name   string
		scheme string
		width  int64
	}{{"light", "light", 1280}, {"dark", "dark", 1280}, {"phone", "light", 360}} {
		v.call("Emulation.setEmulatedMedia", params{"features": []params{{"name": "prefers-color-scheme", "value": how.scheme}}})
		v.call("Emulation.setDeviceMetricsOverride", params{"width": how.width, "height": 800, "deviceScaleFactor": 1, "mobile": false})
		v.keep(name+"-"+how.name+".jpg", ask(v, chromedp.FullScreenshot(85)))
		if evaluate[bool](v, `document.documentElement.scrollWidth > innerWidth`) {
			v.t.Errorf("%s, %s: the page is wider than the window", name, how.name)
		}
	}
	v.call("Emulation.setEmulatedMedia", nil)
	v.call("Emulation.clearDeviceMetricsOverride", nil)
}

func (v *visit) keep(file string, picture []byte) {
	v.t.Helper()
	dir := filepath.Join("..", "..", "screenshots")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		v.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, file), picture, 0o644); err != nil {
		v.t.Fatal(err)
	}
}
