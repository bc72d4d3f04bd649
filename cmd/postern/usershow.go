package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/directory"
	"postern/policy"
)

// userJSON is an account under --json.
type userJSON struct {
	ID                string   `json:"id"`
	Login             string   `json:"login"`
	Name              string   `json:"name"`
	Mail              string   `json:"mail"`
	State             string   `json:"state"`
	MFA               string   `json:"mfa"`
	MFAGroup          string   `json:"mfa_group"`
	Groups            []string `json:"groups"`
	HasPassword       bool     `json:"has_password"`
	UIDNumber         int64    `json:"uid_number"`
	ExpiresAt         moment   `json:"expires_at"`
	PasswordChangedAt moment   `json:"password_changed_at"`
	CreatedAt         moment   `json:"created_at"`
	ModifiedAt        moment   `json:"modified_at"`
}

func (a *admin) userJSON(h policy.Holder) userJSON {
	mfa, group := a.accounts.MFA(h)
	c := h.Account
	return userJSON{
		ID: c.ID, Login: c.Login, Name: c.Name, Mail: c.Mail, State: accountState(c, a.now()),
		MFA: mfa.String(), MFAGroup: group, Groups: orEmpty(slices.Sorted(slices.Values(h.Groups))),
		HasPassword: !h.PasswordHash.Empty(), UIDNumber: c.UIDNumber, ExpiresAt: moment(c.ExpiresAt),
		PasswordChangedAt: moment(c.PasswordChangedAt), CreatedAt: moment(c.CreatedAt), ModifiedAt: moment(c.ModifiedAt),
	}
}

func accountState(c directory.Account, now time.Time) string {
	switch {
	case c.Disabled:
		return "disabled"
	case c.Expired(now):
		return "expired"
	}
	return "active"
}

func userList(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List accounts, by login",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.administer(cmd.Context(), func(a *admin) error {
				users, err := a.users(cmd.Context())
				if err != nil || asJSON {
					return orPrint(err, a.env, users)
				}
				t := newTable(a.stdout, "LOGIN", "NAME", "MAIL", "STATE", "MFA", "GROUPS")
				for _, u := range users {
					t.row(u.Login, dash(u.Name), dash(u.Mail), u.State, u.MFA, dash(strings.Join(u.Groups, ",")))
				}
				return errors.Join(t.flush(), a.sayWaiting(cmd.Context()))
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// sayWaiting says how many imported password hashes are not wrapped yet.
func (a *admin) sayWaiting(ctx context.Context) error {
	sealed, err := a.store.SealedCount(ctx)
	if err == nil && sealed > 0 {
		a.say("%d imported password hashes are sealed and wait for serve to wrap them", sealed)
	}
	return err
}

// users reads everybody, in batches.
func (a *admin) users(ctx context.Context) ([]userJSON, error) {
	users := []userJSON{}
	for after := ""; ; {
		batch, err := a.store.Holders(ctx, directory.Query{After: after, Limit: 1000})
		if err != nil {
			return nil, err
		}
		if len(batch) == 0 {
			break
		}
		for _, h := range batch {
			users = append(users, a.userJSON(h))
		}
		after = batch[len(batch)-1].Account.ID
	}
	slices.SortFunc(users, func(x, y userJSON) int { return strings.Compare(x.Login, y.Login) })
	return users, nil
}

// userDetails is what show adds to the line of a list.
type userDetails struct {
	userJSON
	Attributes    map[string][]string `json:"attributes"`
	Methods       []methodJSON        `json:"methods"`
	RecoveryCodes int                 `json:"recovery_codes_left"`
	AppPasswords  []appPasswordJSON   `json:"app_passwords"`
}

type methodJSON struct {
	ID         string `json:"id"`
	Kind       string `json:"kind"`
	Label      string `json:"label"`
	CreatedAt  moment `json:"created_at"`
	LastUsedAt moment `json:"last_used_at"`
}

func userShow(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show LOGIN",
		Short: "Show an account: its state, second factors and app passwords",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.withUser(cmd.Context(), args[0], func(a *admin, h policy.Holder) error {
				d, err := a.details(cmd.Context(), h)
				if err != nil || asJSON {
					return orPrint(err, a.env, d)
				}
				return a.showUser(d)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.ValidArgsFunction = e.completeLogins
	return cmd
}

func (a *admin) details(ctx context.Context, h policy.Holder) (userDetails, error) {
	d := userDetails{userJSON: a.userJSON(h), Methods: []methodJSON{}}
	full, err := a.store.Account(ctx, h.Account.ID)
	if err != nil {
		return d, err
	}
	d.Attributes = full.Attributes
	methods, err := a.accounts.Methods(ctx, h.Account.ID)
	if err != nil {
		return d, err
	}
	for _, m := range methods {
		d.Methods = append(d.Methods, methodJSON{m.ID, string(m.Kind), m.Label, moment(m.CreatedAt), moment(m.LastUsedAt)})
	}
	if d.RecoveryCodes, err = a.accounts.RecoveryCodesLeft(ctx, h.Account.ID); err != nil {
		return d, err
	}
	list, err := a.accounts.AppPasswords(ctx, h.Account.ID)
	d.AppPasswords = a.appPasswordsJSON(h.Account.Login, list)
	return d, err
}

func (a *admin) showUser(d userDetails) error {
	t := newTable(a.stdout)
	t.row("login:", d.Login)
	t.row("name:", dash(d.Name))
	t.row("mail:", dash(d.Mail))
	t.row("state:", d.State)
	t.row("expires:", shownOr(time.Time(d.ExpiresAt), "never"))
	t.row("MFA:", mfaWords(d.userJSON))
	t.row("second factors:", methodWords(d))
	t.row("groups:", dash(strings.Join(d.Groups, ", ")))
	t.row("password set:", shownOr(time.Time(d.PasswordChangedAt), "never"))
	t.row("uid number:", fmt.Sprint(d.UIDNumber))
	t.row("id:", d.ID)
	t.row("created:", shown(time.Time(d.CreatedAt)))
	t.row("changed:", shown(time.Time(d.ModifiedAt)))
	for _, name := range slices.Sorted(maps.Keys(d.Attributes)) {
		t.row(name+":", strings.Join(d.Attributes[name], ", "))
	}
	if err := t.flush(); err != nil || len(d.AppPasswords) == 0 {
		return err
	}
	fmt.Fprintln(a.stdout)
	return a.appPasswordTable(d.AppPasswords)
}

func mfaWords(u userJSON) string {
	if u.MFAGroup != "" {
		return u.MFA + ", demanded by group " + u.MFAGroup
	}
	return u.MFA
}

func methodWords(d userDetails) string {
	var words []string
	for _, m := range d.Methods {
		words = append(words, m.Label+" ("+m.Kind+")")
	}
	if d.RecoveryCodes > 0 {
		words = append(words, fmt.Sprintf("%d recovery codes", d.RecoveryCodes))
	}
	return dash(strings.Join(words, ", "))
}

// orPrint prints v as JSON unless there is an error to return.
func orPrint(err error, e *env, v any) error {
	if err != nil {
		return err
	}
	return e.printJSON(v)
}
