package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, dir, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
		t.Fatal(err)
	}
}

func TestASecretFileHoldsTheSecretAndOneNewline(t *testing.T) {
	for _, c := range []struct{ text, want, refused string }{
		{"sixteen letters.", "sixteen letters.", ""},
		{"sixteen letters.\n", "sixteen letters.", ""},
		{"sixteen letters.\r\n", "sixteen letters.", ""},
		{" sixteen letter \n", " sixteen letter ", ""},
		{"fifteen letters\n", "", "too short"},
		{"sixteen letters.\n\n", "", "more than one line"},
		{"", "", "too short"},
		{strings.Repeat("x", 5000), "", "too big"},
	} {
		dir := t.TempDir()
		write(t, dir, "s", c.text, 0o600)
		client := RADIUSClient{Name: "vpn", SecretFile: filepath.Join(dir, "s")}
		got, err := client.SharedSecret()
		if got.Reveal() != c.want || (err != nil) != (c.refused != "") || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%.20q gives %q, %v", c.text, got.Reveal(), err)
		}
	}
}

func TestCheckFilesSaysWhatIsMissingAndReadable(t *testing.T) {
	dir := t.TempDir()
	c, _, err := Parse([]byte(client+"secret_file = \"s\"\n[tls]\n"), dir)
	if err != nil {
		t.Fatal(err)
	}
	wrong, _ := c.CheckFiles()
	if len(wrong) != 2 || wrong[0].Line != 9 || !strings.Contains(wrong[0].Message, "postern init") || wrong[1].Key != "tls.certificate" {
		t.Errorf("with no files: %+v", wrong)
	}
	write(t, dir, "s", "sixteen letters.\n", 0o644)
	wrong, warnings := c.CheckFiles()
	if len(wrong) != 1 || len(warnings) != 1 || !strings.Contains(warnings[0].Message, "chmod 600") {
		t.Errorf("with a readable secret: %+v, %+v", wrong, warnings)
	}
}

func TestAKeyFileInsideTheDataDirectoryIsFoundThroughALink(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "data/real", "x", 0o600)
	if err := os.Symlink("data/real", filepath.Join(dir, "postern.key")); err != nil {
		t.Fatal(err)
	}
	c, _, err := Parse([]byte(smallest), dir)
	if err != nil {
		t.Fatal(err)
	}
	if wrong, _ := c.CheckFiles(); len(wrong) != 1 || wrong[0].Key != "key_file" {
		t.Errorf("found %+v", wrong)
	}
}

func TestASecretCannotPrintItself(t *testing.T) {
	c := parse(t, client+"secret = \"hunter2hunter2hunter2\"\n")
	if got := c.RADIUS.Clients[0].Secret.Reveal(); got != "hunter2hunter2hunter2" {
		t.Fatalf("secret is %q", got)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if out := fmt.Sprintf(verb, c); strings.Contains(out, "hunter2") || strings.Contains(out, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("%s prints the secret: %s", verb, out)
		}
	}
}
