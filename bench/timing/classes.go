package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/bcrypt"

	"postern/bench/site"
)

const (
	right = "correct horse battery"
	wrong = "incorrect horse battery"
)

// class is a way to be refused.
type class struct {
	name, login string
	// password is what try n presents.
	password func(n int) string
	// hashes is how many hashes a try costs where no brake is on.
	hashes int
}

// brakes are a configuration of the brakes.
type brakes struct {
	name, config string
	// sources is how many addresses the askers have: what one may do is bounded
	// where brakes are on, and even where they are off.
	sources int
	// alone is how many tries of each class are made one at a time, before
	// several ask at once: those that find no brake on.
	alone int
}

var (
	asShipped = brakes{name: "brakes as shipped", sources: 1, alone: 30}
	off       = brakes{name: "brakes off", sources: 64, config: `
[brakes]
tries              = 1000
unfamiliar_per_day = 100000
source_per_minute  = 100000
remember_refused   = "0s"
`}
)

// house is an installation with a server.
type house struct {
	*site.Site
	process      *site.Process
	sources      int
	secret       string
	ldap, radius []class
}

// open makes an installation with people of all the ways to be refused.
func open(ctx context.Context, binary, dir string, how brakes) (h *house, err error) {
	dir, err = os.MkdirTemp(dir, "site")
	if err != nil {
		return nil, err
	}
	h = &house{sources: how.sources}
	if h.Site, err = site.New(ctx, binary, dir, site.Config+how.config); err != nil {
		return nil, err
	}
	if h.secret, err = h.Secret(); err != nil {
		return nil, err
	}
	if h.process, err = h.Serve(ctx, "ldap.listen", "radius.listen"); err != nil {
		return nil, err
	}
	var err1, err2 error
	h.ldap, err1 = h.people(ctx, "l", "vpn")
	h.radius, err2 = h.people(ctx, "r", "mail")
	if err := errors.Join(err1, err2); err != nil {
		h.process.Kill()
		return nil, err
	}
	return h, nil
}

// always is the same password at every try.
func always(password string) func(int) string { return func(int) string { return password } }

// fresh is a password nobody tried before.
func fresh(n int) string { return fmt.Sprintf("%s %d", wrong, n) }

// people adds people to be refused. other is a service that is not the one
// asked through.
func (h *house) people(ctx context.Context, prefix, other string) ([]class, error) {
	var errs []error
	run := func(args ...string) {
		_, err := h.Run(ctx, "", args...)
		errs = append(errs, err)
	}
	person := func(name string) string {
		errs = append(errs, h.AddPerson(ctx, prefix+name, right))
		return prefix + name
	}
	issue := func(login string, more ...string) site.Issued {
		i, err := h.Issue(ctx, login, "phone", more...)
		errs = append(errs, err)
		return i
	}
	mfa, plain, again, owner, disabled := person("mfa"), person("plain"), person("again"), person("owner"), person("disabled")
	run("user", "mfa", mfa, "on")
	run("user", "mfa", owner, "on")
	run("user", "disable", disabled)
	imported, err := h.imported(ctx, prefix)
	errs = append(errs, err)
	revoked, scoped, elsewhere := issue(owner), issue(owner, "--service", other), issue(owner, "--from", "192.0.2.0/24")
	expired, err := h.shortLived(ctx, owner)
	errs = append(errs, err)
	run("app-password", "revoke", owner, revoked.ID)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return []class{
		{"unknown account", prefix + "nobody", fresh, 1},
		{"wrong password", plain, fresh, 1},
		{"the same wrong password", again, always(wrong), 1},
		{"wrong password, imported hash", imported, fresh, 1},
		{"MFA account's primary", mfa, always(right), 1},
		{"disabled account's primary", disabled, always(right), 1},
		{"revoked app password", owner, always(revoked.Secret), 0},
		{"expired app password", owner, always(expired.Secret), 0},
		{"app password of another service", owner, always(scoped.Secret), 0},
		{"app password of another network", owner, always(elsewhere.Secret), 0},
	}, h.awaitExpiry(ctx, owner, expired.ID)
}

// imported adds somebody whose hash is another directory's, and costs more.
func (h *house) imported(ctx context.Context, prefix string) (login string, err error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(right), 10)
	if err != nil {
		return "", err
	}
	path := filepath.Join(h.Dir, prefix+"imported.csv")
	login = prefix + "imported"
	if err := os.WriteFile(path, fmt.Appendf(nil, "login,password_hash\n%s,{CRYPT}%s\n", login, hash), 0o600); err != nil {
		return "", err
	}
	_, err = h.Run(ctx, "", "user", "import", path)
	return login, err
}

// shortLived issues an app password for seconds, and for more of them where the
// machine is so slow that they are over before it is issued.
func (h *house) shortLived(ctx context.Context, owner string) (i site.Issued, err error) {
	for life := 3 * time.Second; life < time.Minute; life *= 2 {
		if i, err = h.Issue(ctx, owner, "phone", "--expires", time.Now().UTC().Add(life).Format(time.RFC3339)); err == nil {
			break
		}
	}
	return i, err
}

// awaitExpiry asks until the app password has expired.
func (h *house) awaitExpiry(ctx context.Context, login, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for {
		out, err := h.Run(ctx, "", "app-password", "list", login, "--json")
		if err != nil {
			return fmt.Errorf("waiting until an app password expires: %w", err)
		}
		var list []struct{ ID, State string }
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			return err
		}
		for _, a := range list {
			if a.ID == id && a.State == "expired" {
				return nil
			}
		}
	}
}
