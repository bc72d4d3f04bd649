package page

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// TestTheScriptStaysSmall: what needs more is built another way.
func TestTheScriptStaysSmall(t *testing.T) {
	script, err := static.ReadFile("static/portal.js")
	if err != nil {
		t.Fatal(err)
	}
	if len(script) >= 10<<10 {
		t.Errorf("%d bytes of script, want less than 10 KB", len(script))
	}
}

// TestNothingStandsInline: the policy would not run it, so it would be missed.
func TestNothingStandsInline(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<script(\s[^>]*)?>[^<]|\sstyle=|<style|\son[a-z]+=|javascript:|https?://`)
	names, err := fs.Glob(templates, "templates/*.html")
	if err != nil || len(names) < 10 {
		t.Fatalf("found %d templates: %v", len(names), err)
	}
	for _, name := range names {
		text, err := templates.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := inline.FindString(string(text)); found != "" {
			t.Errorf("%s holds %q", name, found)
		}
	}
	for _, sample := range []string{`<script>x`, `<p style="x">`, `<a onclick="x">`, `<img src="https://x">`} {
		if !inline.MatchString(sample) {
			t.Errorf("%s would not be seen", sample)
		}
	}
}

// TestBrowserInPlainWords for the list of sessions.
func TestBrowserInPlainWords(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                           "Firefox, Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0":            "Edge, Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile Safari/604.1": "Safari, iPhone",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36":                         "Chrome, Android",
		"curl/8": "", "": "",
	} {
		if got := Browser(agent); got != want {
			t.Errorf("%s: %q, want %q", strings.TrimSpace(agent), got, want)
		}
	}
}
