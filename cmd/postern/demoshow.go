package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"postern/directory"
	"postern/ldapsrv/wire"
	"postern/secret"
)

// show acts the story out and prints each answer as it comes back.
func (d *demo) show(ctx context.Context) error {
	ann, err := d.add(ctx, "ann", "Ann Example")
	if err != nil {
		return err
	}
	bob, err := d.add(ctx, "bob", "Bob Example")
	if err != nil {
		return err
	}
	d.head("bob has MFA off. Ann has it off too, still.")
	d.both(ctx, bob, "primary password", bob.main, true)
	d.both(ctx, ann, "primary password", ann.main, true)

	if err := d.people.MFAOn(ctx, d.actor, ann.id); err != nil {
		return err
	}
	d.head("ann's administrator turns MFA on.")
	d.both(ctx, ann, "primary password", ann.main, false)

	phone, err := d.issue(ctx, ann, "my phone")
	if err != nil {
		return err
	}
	d.head("ann gets an app password for her phone.")
	d.both(ctx, ann, "app password", phone.Secret, true)
	d.both(ctx, ann, "primary password", ann.main, false)
	d.both(ctx, bob, "ann's app password", phone.Secret, false)

	mail, err := d.issue(ctx, ann, "mail only", "mail")
	if err != nil {
		return err
	}
	d.head("And one for the service \"mail\" alone, which is LDAP here; RADIUS is \"vpn\".")
	d.ldap(ctx, ann, "app password for mail", mail.Secret, true)
	d.radius(ctx, ann, "app password for mail", mail.Secret, false)

	if _, err := d.people.RevokeAll(ctx, d.actor, ann.id); err != nil {
		return err
	}
	d.head("ann revokes them all.")
	d.both(ctx, ann, "revoked app password", phone.Secret, false)
	d.ldap(ctx, ann, "revoked app password for mail", mail.Secret, false)
	return d.sum()
}

func (d *demo) head(text string) { fmt.Fprintf(d.out, "\n%s\n", text) }

// sum ends the story.
func (d *demo) sum() error {
	if d.failed > 0 {
		return fmt.Errorf("%d of %d answers are not as they should be", d.failed, d.answers)
	}
	fmt.Fprintf(d.out, "\nAll %d answers are as they should be.\n", d.answers)
	return nil
}

func (d *demo) both(ctx context.Context, p person, what string, password secret.Text, accepted bool) {
	d.ldap(ctx, p, what, password, accepted)
	d.radius(ctx, p, what, password, accepted)
}

// ldap binds with a password and prints the result code received.
func (d *demo) ldap(ctx context.Context, p person, what string, password secret.Text, accepted bool) {
	want := wire.InvalidCredentials
	if accepted {
		want = wire.Success
	}
	got, err := simpleBind(ctx, d.server.address("ldap.listen"), d.dn(p), password.Reveal())
	d.answer("LDAP", p, what, got.String(), err, got == want)
}

// radius asks with a password over PAP and prints the code received.
func (d *demo) radius(ctx context.Context, p person, what string, password secret.Text, accepted bool) {
	want := byte(accessReject)
	if accepted {
		want = accessAccept
	}
	request := &papRequest{shared: d.shared, login: p.login, password: password.Reveal()}
	got, err := request.ask(ctx, d.server.address("radius.listen"), d.random)
	d.answer("RADIUS", p, what, radiusCode(got), err, got == want)
}

func (d *demo) dn(p person) string {
	return "uid=" + p.login + ",ou=people," + d.server.current.Load().BaseDN
}

func radiusCode(code byte) string {
	switch code {
	case accessAccept:
		return "Access-Accept (2)"
	case accessReject:
		return "Access-Reject (3)"
	}
	return "code " + strconv.Itoa(int(code))
}

// answer prints one line of the story.
func (d *demo) answer(protocol string, p person, what, got string, err error, right bool) {
	verdict := "as it should be"
	if err != nil {
		got = err.Error()
	}
	if err != nil || !right {
		verdict = "WRONG"
		d.failed++
	}
	d.answers++
	fmt.Fprintf(d.out, "  %-7s %s, %-30s %-24s %s\n", protocol, p.login, what, got, verdict)
}

// hold keeps the server running, with somebody to try it with, until ctx ends.
func (d *demo) hold(ctx context.Context) error {
	eve, err := d.add(ctx, "eve", "Eve Example")
	if err != nil {
		return err
	}
	if err := d.people.MFAOn(ctx, d.actor, eve.id); err != nil {
		return err
	}
	issued, err := d.issue(ctx, eve, "to try")
	if err != nil {
		return err
	}
	admin, err := d.addAdministrator(ctx)
	if err != nil {
		return err
	}
	var b strings.Builder
	address := d.server.portalSettings().PublicURL.String()
	fmt.Fprintf(&b, "\nThe portal is at %s. Sign in and set the second step up:\n\n", address)
	fmt.Fprintf(&b, "  as eve:               %s\n", eve.main.Reveal())
	fmt.Fprintf(&b, "  as the administrator: %s, who then goes to %s/admin: %s\n", admin.login, address, admin.main.Reveal())
	b.WriteString("\nThe server goes on. eve has MFA on. Try it from another shell:\n")
	for _, try := range []struct {
		comment  string
		password secret.Text
	}{{"eve's primary password: refused", eve.main}, {"her app password: accepted", issued.Secret}} {
		fmt.Fprintf(&b, "\n  # %s\n", try.comment)
		for _, line := range d.commands(eve, try.password) {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	fmt.Fprintf(&b, "\n  # what she has\n  %s\n", d.own("app-password", "list", eve.login))
	fmt.Fprintf(&b, "\n  # revoke it, then try again\n  %s\n", d.own("app-password", "revoke", eve.login, issued.AppPassword.ID))
	b.WriteString("\nCtrl-C ends it and removes its data.\n")
	if _, err := fmt.Fprint(d.out, b.String()); err != nil {
		return errors.New("the commands cannot be printed")
	}
	<-ctx.Done()
	return nil
}

// addAdministrator adds somebody who administers at the portal.
func (d *demo) addAdministrator(ctx context.Context) (person, error) {
	admin, err := d.add(ctx, "olivia", "Olivia Example")
	if err != nil {
		return person{}, err
	}
	group := d.server.current.Load().Portal.AdminGroup
	if _, err := d.people.AddGroup(ctx, d.actor, group, ""); err != nil {
		return person{}, err
	}
	_, err = d.people.AddMember(ctx, d.actor, group, directory.Member{ID: admin.id, Name: admin.login})
	return admin, err
}

// commands are a bind, a bind under TLS and a RADIUS request, ready to paste.
func (d *demo) commands(p person, password secret.Text) []string {
	s, word := d.server, quote(password.Reveal())
	bind := "-x -D " + d.dn(p) + " -w " + word
	return []string{
		"ldapwhoami -H ldap://" + s.address("ldap.listen") + " " + bind,
		"LDAPTLS_CACERT=" + quote(s.current.Load().TLS.Certificate) + " ldapwhoami -H ldaps://" + s.address("ldap.listen_tls") + " " + bind,
		"radtest " + p.login + " " + word + " " + s.address("radius.listen") + " 0 " + d.shared,
	}
}

// own is a command of this program on the demonstration's data.
func (d *demo) own(words ...string) string { return d.commandLine() + " " + strings.Join(words, " ") }
