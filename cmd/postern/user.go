package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/account"
	"postern/directory"
	"postern/policy"
	"postern/secret"
)

func userCommand(e *env) *cobra.Command {
	return group("user", "Look after people's accounts",
		userAdd(e), userList(e), userShow(e), userSet(e), userPassword(e),
		userSwitch(e, "enable", "Let an account in again", "enabled", (*account.Service).Enable),
		userSwitch(e, "disable", "Stop an account at once, on every protocol", "disabled", (*account.Service).Disable),
		userDelete(e), userMFA(e), userTOTP(e), userEnrolCode(e), userImport(e))
}

// passwordFlags are the two ways to give a primary password.
type passwordFlags struct{ stdin, generate bool }

func (p *passwordFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&p.stdin, "password-stdin", false, "read the password from standard input; one trailing newline is dropped")
	cmd.Flags().BoolVar(&p.generate, "generate-password", false, "make a password and print it, once")
	cmd.PreRunE = onlyOneOf(cmd, "password-stdin", "generate-password")
}

func (p *passwordFlags) read(a *admin) (secret.Text, error) {
	switch {
	case p.generate:
		return a.accounts.GeneratePassword()
	case p.stdin:
		return a.readPassword()
	}
	return secret.Text{}, nil
}

func userAdd(e *env) *cobra.Command {
	var p account.Person
	var password passwordFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "add LOGIN",
		Short: "Add an account",
		Long: "Adds an account. Without a password nobody can sign in to it until\n" +
			"\"postern user password\" sets one.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.Login = args[0]
			return e.administer(cmd.Context(), func(a *admin) (err error) {
				if p.Secret, err = password.read(a); err != nil {
					return err
				}
				if password.stdin && p.Secret.Empty() {
					return usagef("--password-stdin was given and standard input held no password")
				}
				made, err := a.accounts.Add(cmd.Context(), a.actor, p)
				if err != nil {
					return err
				}
				return a.showAdded(made, p.Secret, password, asJSON)
			})
		},
	}
	cmd.Flags().StringVar(&p.Name, "name", "", "the full `NAME`")
	cmd.Flags().StringVar(&p.Mail, "mail", "", "the mail `ADDRESS`")
	cmd.Flags().StringArrayVar(&p.Groups, "group", nil, "a `GROUP` to join; may be given several times")
	password.add(cmd)
	jsonFlag(cmd, &asJSON)
	complete(cmd, "group", e.completeGroups)
	return cmd
}

func (a *admin) showAdded(made directory.Account, password secret.Text, how passwordFlags, asJSON bool) error {
	a.say("added account %s", made.Login)
	if asJSON {
		return a.printJSON(newPasswordJSON(made, password, how))
	}
	if how.generate {
		return a.printSecret(password)
	}
	if password.Empty() {
		a.say("it has no password yet: postern user password %s --generate-password", made.Login)
	}
	return nil
}

type passwordJSON struct {
	ID       string `json:"id"`
	Login    string `json:"login"`
	Password string `json:"password,omitempty"` // only one that was generated here
}

func newPasswordJSON(made directory.Account, password secret.Text, how passwordFlags) passwordJSON {
	j := passwordJSON{ID: made.ID, Login: made.Login}
	if how.generate {
		j.Password = password.Reveal()
	}
	return j
}

func userPassword(e *env) *cobra.Command {
	var password passwordFlags
	var revoke, asJSON bool
	cmd := &cobra.Command{
		Use:   "password LOGIN",
		Short: "Set the primary password of an account",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.withUser(cmd.Context(), args[0], func(a *admin, h policy.Holder) error {
				text, err := password.read(a)
				if err != nil {
					return err
				}
				if err := a.accounts.SetPassword(cmd.Context(), a.actor, h.Account.ID, text, revoke); err != nil {
					return err
				}
				a.say("set the password of %s", h.Account.Login)
				if asJSON {
					return a.printJSON(newPasswordJSON(h.Account, text, password))
				}
				if password.generate {
					return a.printSecret(text)
				}
				return nil
			})
		},
	}
	password.add(cmd)
	cmd.PreRunE = flagRules(cmd.PreRunE, needsOneOf(cmd, "password-stdin", "generate-password"))
	cmd.Flags().BoolVar(&revoke, "revoke-app-passwords", false, "revoke every app password of the account too")
	jsonFlag(cmd, &asJSON)
	cmd.ValidArgsFunction = e.completeLogins
	return cmd
}

func userSwitch(e *env, word, short, done string, apply func(*account.Service, context.Context, account.Actor, string) error) *cobra.Command {
	return &cobra.Command{
		Use:               word + " LOGIN",
		Short:             short,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: e.completeLogins,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.withUser(cmd.Context(), args[0], func(a *admin, h policy.Holder) error {
				if err := apply(a.accounts, cmd.Context(), a.actor, h.Account.ID); err != nil {
					return err
				}
				a.say("%s %s", done, h.Account.Login)
				return nil
			})
		},
	}
}

func userDelete(e *env) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:               "delete LOGIN",
		Short:             "Delete an account and revoke its app passwords; its events stay",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: e.completeLogins,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.withUser(cmd.Context(), args[0], func(a *admin, h policy.Holder) error {
				if err := a.confirm(yes, "Delete "+h.Account.Login+" and revoke all its app passwords?"); err != nil {
					return err
				}
				if err := a.accounts.Delete(cmd.Context(), a.actor, h.Account.ID); err != nil {
					return err
				}
				a.say("deleted %s", h.Account.Login)
				return nil
			})
		},
	}
	yesFlag(cmd, &yes)
	return cmd
}

func userMFA(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "mfa LOGIN on|off|reset",
		Short: "Demand MFA of an account, or no longer, or remove its second factors",
		Long: "on     demands MFA: legacy clients then take app passwords only\n" +
			"off    demands it no longer; second factors stay enrolled\n" +
			"reset  removes second factors and recovery codes, for somebody who lost them",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: e.completeThen(e.completeLogins, "on", "off", "reset"),
		RunE: func(cmd *cobra.Command, args []string) error {
			apply, ok := map[string]func(*account.Service, context.Context, account.Actor, string) error{
				"on": (*account.Service).MFAOn, "off": (*account.Service).MFAOff, "reset": (*account.Service).MFAReset,
			}[args[1]]
			if !ok {
				return usagef("MFA is turned \"on\", \"off\" or \"reset\", not %q", args[1])
			}
			return e.withUser(cmd.Context(), args[0], func(a *admin, h policy.Holder) error {
				if err := apply(a.accounts, cmd.Context(), a.actor, h.Account.ID); err != nil {
					return err
				}
				return a.sayMFA(cmd.Context(), h.Account.ID)
			})
		},
	}
}

// sayMFA tells how MFA stands after a change.
func (a *admin) sayMFA(ctx context.Context, id string) error {
	h, err := a.store.HolderByID(ctx, id)
	if err != nil {
		return err
	}
	state, _ := a.accounts.MFA(h)
	a.say("MFA of %s: %s", h.Account.Login, state)
	return nil
}

func userEnrolCode(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "enrol-code LOGIN",
		Short: "Make a one-time code to enrol a second factor from anywhere, within 24 hours",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.withUser(cmd.Context(), args[0], func(a *admin, h policy.Holder) error {
				code, expires, err := a.accounts.EnrolCode(cmd.Context(), a.actor, h.Account.ID)
				if err != nil {
					return err
				}
				grouped := strings.Join(account.GroupCode(code), "-")
				if asJSON {
					return a.printJSON(struct {
						Login   string `json:"login"`
						Code    string `json:"code"`
						Expires moment `json:"expires_at"`
					}{h.Account.Login, grouped, moment(expires)})
				}
				a.say("for %s, once, until %s", h.Account.Login, shown(expires))
				return a.printSecret(secret.NewText(grouped))
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.ValidArgsFunction = e.completeLogins
	return cmd
}

func userSet(e *env) *cobra.Command {
	var name, mail, expires string
	var attributes []string
	cmd := &cobra.Command{
		Use:   "set LOGIN",
		Short: "Change an account's name, mail address, expiry or attributes",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := e.fields(cmd, name, mail, expires, attributes)
			if err != nil {
				return err
			}
			return e.withUser(cmd.Context(), args[0], func(a *admin, h policy.Holder) error {
				if err := a.accounts.Set(cmd.Context(), a.actor, h.Account.ID, f); err != nil {
					return err
				}
				a.say("changed %s", h.Account.Login)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "the full `NAME`")
	cmd.Flags().StringVar(&mail, "mail", "", "the mail `ADDRESS`")
	cmd.Flags().StringVar(&expires, "expires", "", "`WHEN` the account ends: a date, 90d, or never")
	cmd.Flags().StringArrayVar(&attributes, "attribute", nil, "`K=V`, an LDAP attribute; several of one name are its values, K= removes it")
	cmd.PreRunE = needsOneOf(cmd, "name", "mail", "expires", "attribute")
	cmd.ValidArgsFunction = e.completeLogins
	return cmd
}

func (e *env) fields(cmd *cobra.Command, name, mail, expires string, attributes []string) (account.Fields, error) {
	var f account.Fields
	if cmd.Flags().Changed("name") {
		f.Name = &name
	}
	if cmd.Flags().Changed("mail") {
		f.Mail = &mail
	}
	if cmd.Flags().Changed("expires") {
		at, err := e.expiry(expires)
		if err != nil {
			return f, err
		}
		f.ExpiresAt = &at
	}
	return f, addAttributes(&f, attributes)
}

// expiry reads --expires; the zero time is never.
func (e *env) expiry(s string) (time.Time, error) {
	if s == "never" {
		return time.Time{}, nil
	}
	at, err := parseMoment(s, e.now(), +1)
	if err != nil {
		return at, usagef("--expires: %w; or never", err)
	}
	return at.UTC().Truncate(time.Second), nil
}

func addAttributes(f *account.Fields, pairs []string) error {
	if len(pairs) > 0 {
		f.Attributes = map[string][]string{}
	}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return usagef("--attribute %q: write NAME=VALUE, or NAME= to remove it", pair)
		}
		values := f.Attributes[name]
		if value != "" {
			values = append(values, value)
		}
		f.Attributes[name] = values
	}
	return nil
}

// withUser opens the database and finds the account of a login.
func (e *env) withUser(ctx context.Context, login string, work func(*admin, policy.Holder) error) error {
	return e.administer(ctx, func(a *admin) error {
		h, err := a.accounts.Find(ctx, login)
		if err != nil {
			return err
		}
		return work(a, h)
	})
}
