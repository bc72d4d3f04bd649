package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnExportIsLDIFToAnotherProgram lets OpenLDAP's ldapadd read an export. It
// is told not to add anything (-n), and names every entry that it would.
func TestAnExportIsLDIFToAnotherProgram(t *testing.T) {
	needs(t, "ldapadd")
	r := start(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "people.ldif")
	writePeople(t, file, 3, func(int) string { return kept })
	if code, _, stderr := cli(t, "user", "import", file, "--config", r.env.configPath); code != 0 {
		t.Fatal(stderr)
	}
	code, export, stderr := cli(t, "export", "--config", r.env.configPath)
	if code != 0 {
		t.Fatal(stderr)
	}
	rewriteFile(t, file, export)
	out, err := exec.Command("ldapadd", "-n", "-v", "-x", "-H", "ldap://"+r.address("ldap.listen"), "-f", file).CombinedOutput()
	if err != nil {
		t.Fatalf("ldapadd: %v\n%s", err, out)
	}
	for _, entry := range []string{"uid=user0,ou=people", "uid=user2,ou=people", "cn=team0,ou=groups"} {
		if !strings.Contains(string(out), `adding new entry "`+entry+`,dc=example,dc=org"`) {
			t.Errorf("ldapadd does not read %s:\n%s", entry, out)
		}
	}
	if !strings.Contains(string(out), "uid=user1,ou=people,dc=example,dc=org") || strings.Contains(strings.ToLower(string(out)), "password") {
		t.Errorf("ldapadd reads\n%s", out)
	}
}
