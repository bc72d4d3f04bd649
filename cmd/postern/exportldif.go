package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"postern/account"
	"postern/account/ldif"
	"postern/directory"
	"postern/ldapsrv/entry"
)

func exportCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "export",
		Short: "Write people, groups and service accounts as LDIF",
		Long: "Writes LDIF (RFC 2849) to standard output: the entries as LDAP shows them,\n" +
			"without a password, a hash or any other secret. \"postern user import\" reads\n" +
			"it again. To move an installation with its passwords, copy its data directory\n" +
			"and its key file.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.administer(cmd.Context(), func(a *admin) error { return a.export(cmd.Context()) })
		},
	}
}

// exporting writes the entries of a tree.
type exporting struct {
	*admin
	view    *entry.View
	out     *ldif.Writer
	scratch []string
}

func (a *admin) export(ctx context.Context) error {
	tree, err := entry.NewTree(a.config.BaseDN, entry.Options{})
	if err != nil {
		return fmt.Errorf("reading base_dn: %w", err)
	}
	x := &exporting{admin: a, view: tree.View(""), out: ldif.NewWriter(a.stdout)}
	for _, part := range []func(context.Context) error{x.people, x.groups, x.services} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	if err := x.out.Flush(); err != nil {
		return fmt.Errorf("writing the export: %w", err)
	}
	return nil
}

func (x *exporting) people(ctx context.Context) error { return x.accounts(ctx, directory.Person) }

func (x *exporting) services(ctx context.Context) error {
	return x.accounts(ctx, directory.ServiceAccount)
}

// accounts writes the accounts of a kind, a batch at a time.
func (x *exporting) accounts(ctx context.Context, kind directory.Kind) error {
	as := entry.Person
	if kind == directory.ServiceAccount {
		as = entry.Service
	}
	for q := (directory.Query{Kind: kind}); ; {
		list, err := x.store.AccountEntries(ctx, q, directory.WithAttributes)
		if err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			x.write(&entry.Entry{Kind: as, View: x.view, Account: &list[i]})
			h, err := x.store.HolderByID(ctx, list[i].ID)
			if err != nil {
				return err
			}
			x.out.AddAll(account.Extras(h))
		}
		q.After = list[len(list)-1].ID
	}
}

func (x *exporting) groups(ctx context.Context) error {
	for q := (directory.Query{}); ; {
		list, err := x.store.GroupEntries(ctx, q, directory.WithMembers)
		if err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			x.write(&entry.Entry{Kind: entry.Group, View: x.view, Group: &list[i]})
		}
		q.After = list[len(list)-1].ID
	}
}

// Attributes that an export leaves out: what every directory makes by itself,
// and the other forms in which a group lists its members.
var unexported = []string{
	"structuralObjectClass", "entryDN", "subschemaSubentry", "createTimestamp", "modifyTimestamp",
	"hasSubordinates", "numSubordinates", "memberOf", "pwdChangedTime", "uniqueMember", "memberUid",
}

func (x *exporting) write(e *entry.Entry) {
	x.out.Begin(e.DN())
	all := x.view.Output(e.Kind, entry.Everything, entry.Everything)
	x.scratch = all.Each(e, x.scratch, func(name string, values []string) {
		if slices.Contains(unexported, name) {
			return
		}
		for _, v := range values {
			if name == "objectClass" && v == "groupOfUniqueNames" {
				continue // it is in another form what groupOfNames is
			}
			x.out.Add(name, v)
		}
	})
}

// shownAnyway returns what the entry of a person shows who has no more than
// these: an import that says it says nothing.
func shownAnyway(tree *entry.Tree) func(login, name string) map[string]string {
	view := tree.View("")
	all := view.Output(entry.Person, entry.Everything, entry.Everything)
	return func(login, name string) map[string]string {
		shown := map[string]string{}
		bare := &directory.AccountEntry{Account: directory.Account{Login: login, Name: name}}
		all.Each(&entry.Entry{Kind: entry.Person, View: view, Account: bare}, nil, func(name string, values []string) {
			if len(values) == 1 {
				shown[strings.ToLower(name)] = values[0]
			}
		})
		return shown
	}
}
