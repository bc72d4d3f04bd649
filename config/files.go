package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// maxSecretFile bounds what is read of a file that should hold one line.
const maxSecretFile = 4096

// SharedSecret returns the client's secret, from its file or from the
// configuration.
func (c *RADIUSClient) SharedSecret() (Secret, error) {
	if c.Transport == "tls" {
		fixed := "radsec" // RFC 6614 §2.3
		return Secret{&fixed}, nil
	}
	if c.SecretFile == "" {
		return c.Secret, nil
	}
	data, err := os.ReadFile(c.SecretFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Secret{}, fmt.Errorf("%s does not exist: write the secret shared with %q into it, or run \"postern init\" to make one", c.SecretFile, c.Name)
	}
	if err != nil {
		return Secret{}, fmt.Errorf("reading the secret of %q: %w", c.Name, err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case len(data) > maxSecretFile:
		return Secret{}, fmt.Errorf("%s is too big to be a secret", c.SecretFile)
	case utf8.RuneCountInString(text) < MinRADIUSSecret:
		return Secret{}, fmt.Errorf("%s is too short: a RADIUS secret has at least %d characters", c.SecretFile, MinRADIUSSecret)
	case strings.ContainsAny(text, "\n\r"):
		return Secret{}, fmt.Errorf("%s has more than one line: it holds the secret and nothing else", c.SecretFile)
	}
	return Secret{&text}, nil
}

// CheckFiles looks at the files that the configuration names, as they are
// now: secrets, certificate and key. Load does not, because init makes them.
func (c *Config) CheckFiles() (wrong, warnings []Problem) {
	errs, warns := &problems{where: c.places}, &problems{where: c.places}
	for i := range c.RADIUS.Clients {
		client, at := &c.RADIUS.Clients[i], index("radius.client", i)+".secret_file"
		if _, err := client.SharedSecret(); err != nil {
			errs.add(at, "%v", err)
		}
		warnReadable(warns, at, client.SecretFile)
		at = index("radius.client", i) + ".dae.secret_file"
		if client.DAE.SecretFile != "" {
			if _, err := client.SharedSecretDAE(); err != nil {
				errs.add(at, "%v", err)
			}
			warnReadable(warns, at, client.DAE.SecretFile)
		}
	}
	checkPair(errs, warns, "tls", c.TLS)
	checkPair(errs, warns, "radius.eap", TLS{c.RADIUS.EAP.Certificate, c.RADIUS.EAP.Key})
	if _, err := c.Mail.Password(); err != nil {
		errs.add("mail.password_file", "%v", err)
	}
	warnReadable(warns, "mail.password_file", c.Mail.PasswordFile)
	if inside(c.KeyFile, c.DataDir) {
		errs.add("key_file", "lies inside data_dir, through a link: a copy of the database would hold the key that protects it")
	}
	return errs.sorted(), warns.sorted()
}

// checkPair looks at the certificate and key of a table, if it names any.
func checkPair(errs, warns *problems, table string, t TLS) {
	if t.Certificate == "" {
		return
	}
	if _, err := tls.LoadX509KeyPair(t.Certificate, t.Key); err != nil {
		errs.add(table+".certificate", "reading the certificate and its key: %v", err)
	}
	warnReadable(warns, table+".key", t.Key)
}

// warnReadable warns of a secret in a file that everybody can read.
func warnReadable(p *problems, key, path string) {
	if info, err := os.Stat(path); path != "" && err == nil && info.Mode().Perm()&0o004 != 0 {
		p.add(key, "everybody can read %s: chmod 600 it", path)
	}
}

// inside reports whether the file lies in dir when links are followed.
func inside(file, dir string) bool {
	realDir, errDir := filepath.EvalSymlinks(dir)
	realFile, errFile := filepath.EvalSymlinks(file)
	return errDir == nil && errFile == nil && within(realFile, realDir)
}
