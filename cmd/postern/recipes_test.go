package main

import (
	"path/filepath"
	"strings"
	"testing"

	"postern/config"
)

// TestRecipesDefineWhatTheConfigurationKnows reads the part of every page on an
// application that belongs into config.toml: beside the least that a
// configuration needs, it must be valid.
func TestRecipesDefineWhatTheConfigurationKnows(t *testing.T) {
	const least = "base_dn = \"dc=example,dc=org\"\ndata_dir = \"data\"\nkey_file = \"postern.key\"\n[ldap]\nlisten = [\"127.0.0.1:3389\"]\n"
	read := 0
	for page, text := range pages(t) {
		if filepath.Base(filepath.Dir(page)) != "apps" || filepath.Base(page) == "README.md" {
			continue
		}
		_, rest, ok := strings.Cut(text, "\n## In Postern\n")
		section, _, _ := strings.Cut(rest, "\nThen make its secret")
		if !ok || !strings.Contains(section, "[[service]]") || !strings.Contains(section, "[[service_account]]") {
			t.Errorf("%s does not say what to define in Postern", page)
			continue
		}
		if !strings.Contains(text, "**Run:**") && !strings.Contains(text, "**Derived:**") {
			t.Errorf("%s does not say whether it was run", page)
		}
		var lines []string
		for line := range strings.Lines(section) {
			if code, ok := strings.CutPrefix(line, "    "); ok {
				lines = append(lines, code)
			}
		}
		if _, _, err := config.Parse([]byte(least+strings.Join(lines, "")), t.TempDir()); err != nil {
			t.Errorf("%s: %v", page, err)
		}
		read++
	}
	if read < 13 {
		t.Errorf("only %d pages were read", read)
	}
}
