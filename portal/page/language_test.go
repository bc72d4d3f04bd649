package page

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every language has words for the same keys, with the same places to fill in.
func TestLanguagesHaveTheSameKeys(t *testing.T) {
	all, err := loadLanguages()
	if err != nil {
		t.Fatal(err)
	}
	place := regexp.MustCompile(`\{[0-9]\}`)
	first := all[Languages[0]]
	for _, tag := range Languages[1:] {
		other := all[tag]
		for _, key := range slices.Sorted(maps.Keys(first.words)) {
			words, ok := other.words[key]
			if !ok {
				t.Errorf("%s has no words for %q", tag, key)
				continue
			}
			want, got := place.FindAllString(first.words[key], -1), place.FindAllString(words, -1)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(slices.Compact(want), slices.Compact(got)) {
				t.Errorf("%s fills %v into %q, %s fills %v", first.Tag, want, key, tag, got)
			}
		}
		for key := range other.words {
			if !first.Has(key) {
				t.Errorf("%s has words for %q, %s has none", tag, key, first.Tag)
			}
		}
	}
}

// Every key a template names has words.
func TestTemplatesNameKeysThatHaveWords(t *testing.T) {
	s, err := NewSet()
	if err != nil {
		t.Fatal(err)
	}
	files, err := templates.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\.(Text|Count) "([^"]+)"`)
	for _, f := range files {
		text, err := templates.ReadFile("templates/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			key := m[2]
			if m[1] == "Count" {
				key += ".one"
			}
			if !s.Language("en").Has(key) {
				t.Errorf("%s names %q, which has no words", f.Name(), key)
			}
		}
	}
}

// TestTheStepsToHandOutNameWhatThePagesSay: who follows them looks for exactly
// these words.
func TestTheStepsToHandOutNameWhatThePagesSay(t *testing.T) {
	all, err := loadLanguages()
	if err != nil {
		t.Fatal(err)
	}
	bold := regexp.MustCompile(`\*\*([^*]+)\*\*`)
	for tag, file := range map[string]string{"en": "app-passwords.md", "nl": "app-wachtwoorden.md"} {
		text, err := os.ReadFile("../../docs/" + file)
		if err != nil {
			t.Fatal(err)
		}
		named := map[string]bool{}
		for _, m := range bold.FindAllStringSubmatch(string(text), -1) {
			named[m[1]] = true
		}
		for _, key := range []string{"home.setup-button", "setup.next", "new.button", "copy.button"} {
			if words := all[tag].Text(key); !named[words] {
				t.Errorf("%s does not name the button %q", file, words)
			}
		}
		for _, key := range []string{"nav.app-passwords", "nav.activity", "nav.security", "setup.app", "setup.passkey"} {
			if words := all[tag].Text(key); !strings.Contains(string(text), "*"+words) {
				t.Errorf("%s does not name %q", file, words)
			}
		}
	}
}

func TestChooseTakesTheReadersLanguage(t *testing.T) {
	for _, c := range []struct{ chosen, accept, want string }{
		{"", "", "en"},
		{"", "nl-BE,nl;q=0.9,en;q=0.5", "nl"},
		{"", "de,fr;q=0.7", "en"},
		{"nl", "en", "nl"},
		{"xx", "nl", "nl"},
		{"", "%%%", "en"},
	} {
		if got := Choose(c.chosen, c.accept); got != c.want {
			t.Errorf("Choose(%q, %q) = %q, want %q", c.chosen, c.accept, got, c.want)
		}
	}
}

func TestAgoCountsInWords(t *testing.T) {
	all, err := loadLanguages()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		before time.Duration
		en, nl string
	}{
		{time.Second, "just now", "zojuist"},
		{3 * time.Second, "3 seconds ago", "3 seconden geleden"},
		{time.Minute, "1 minute ago", "1 minuut geleden"},
		{3 * time.Hour, "3 hours ago", "3 uur geleden"},
		{30 * 24 * time.Hour, "23 October 2026", "23 oktober 2026"},
	} {
		if got := all["en"].Ago(now.Add(-c.before), now); got != c.en {
			t.Errorf("en: %q, want %q", got, c.en)
		}
		if got := all["nl"].Ago(now.Add(-c.before), now); got != c.nl {
			t.Errorf("nl: %q, want %q", got, c.nl)
		}
	}
}
