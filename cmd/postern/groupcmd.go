package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"postern/account"
	"postern/directory"
)

func groupCommand(e *env) *cobra.Command {
	return group("group", "Look after groups",
		groupAdd(e), groupList(e), groupShow(e), groupDelete(e),
		groupMember(e, "add-member", "Put accounts, or with --group groups, into a group", "is in", (*account.Service).AddMember),
		groupMember(e, "remove-member", "Take accounts, or with --group groups, out of a group", "is not in", (*account.Service).RemoveMember))
}

type groupJSON struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	GIDNumber   int64  `json:"gid_number"`
	CreatedAt   moment `json:"created_at"`
	ModifiedAt  moment `json:"modified_at"`
}

func newGroupJSON(g directory.Group) groupJSON {
	return groupJSON{g.ID, g.Name, g.Description, g.GIDNumber, moment(g.CreatedAt), moment(g.ModifiedAt)}
}

func groupAdd(e *env) *cobra.Command {
	var description string
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add an empty group",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.administer(cmd.Context(), func(a *admin) error {
				g, err := a.accounts.AddGroup(cmd.Context(), a.actor, args[0], description)
				if err == nil {
					a.say("added group %s", g.Name)
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&description, "description", "", "a `TEXT` that says what the group is for")
	return cmd
}

func groupList(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List groups, by name",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.administer(cmd.Context(), func(a *admin) error {
				groups, err := a.groups(cmd.Context())
				if err != nil || asJSON {
					return orPrint(err, a.env, groups)
				}
				t := newTable(a.stdout, "NAME", "GID", "DESCRIPTION")
				for _, g := range groups {
					t.row(g.Name, fmt.Sprint(g.GIDNumber), dash(g.Description))
				}
				return t.flush()
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (a *admin) groups(ctx context.Context) ([]groupJSON, error) {
	groups := []groupJSON{}
	for after := ""; ; {
		batch, err := a.store.Groups(ctx, directory.Query{After: after, Limit: 1000})
		if err != nil {
			return nil, err
		}
		if len(batch) == 0 {
			break
		}
		for _, g := range batch {
			groups = append(groups, newGroupJSON(g))
		}
		after = batch[len(batch)-1].ID
	}
	slices.SortFunc(groups, func(x, y groupJSON) int { return strings.Compare(x.Name, y.Name) })
	return groups, nil
}

type memberJSON struct {
	Kind string `json:"kind"` // account, group
	Name string `json:"name"`
	ID   string `json:"id"`
}

func groupShow(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Show a group and what it holds directly",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.administer(cmd.Context(), func(a *admin) error {
				g, err := a.accounts.FindGroup(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				members, err := a.accounts.Members(cmd.Context(), g)
				if err != nil {
					return err
				}
				return a.showGroup(g, members, asJSON)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.ValidArgsFunction = e.completeGroups
	return cmd
}

func (a *admin) showGroup(g directory.Group, members []directory.Member, asJSON bool) error {
	list := make([]memberJSON, 0, len(members))
	for _, m := range members {
		kind := "account"
		if m.Group {
			kind = "group"
		}
		list = append(list, memberJSON{kind, m.Name, m.ID})
	}
	if asJSON {
		return a.printJSON(struct {
			groupJSON
			Members []memberJSON `json:"members"`
		}{newGroupJSON(g), list})
	}
	t := newTable(a.stdout)
	t.row("name:", g.Name)
	t.row("description:", dash(g.Description))
	t.row("gid number:", fmt.Sprint(g.GIDNumber))
	t.row("id:", g.ID)
	for _, m := range list {
		t.row("member:", m.Name, m.Kind)
	}
	return t.flush()
}

func groupDelete(e *env) *cobra.Command {
	return &cobra.Command{
		Use:               "delete NAME",
		Short:             "Delete a group; its members stay",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: e.completeGroups,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.administer(cmd.Context(), func(a *admin) error {
				if err := a.accounts.DeleteGroup(cmd.Context(), a.actor, args[0]); err != nil {
					return err
				}
				a.say("deleted group %s", args[0])
				return nil
			})
		},
	}
}

type setMember func(*account.Service, context.Context, account.Actor, string, directory.Member) (bool, error)

func groupMember(e *env, word, short, stands string, apply setMember) *cobra.Command {
	var nested bool
	cmd := &cobra.Command{
		Use:   word + " GROUP MEMBER...",
		Short: short,
		Args:  cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.administer(cmd.Context(), func(a *admin) error {
				members, err := a.findMembers(cmd.Context(), args[1:], nested)
				if err != nil {
					return err
				}
				for _, m := range members {
					changed, err := apply(a.accounts, cmd.Context(), a.actor, args[0], m)
					if err != nil {
						return err
					}
					a.say("%s %s%s %s", m.Name, map[bool]string{false: "already "}[changed], stands, args[0])
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&nested, "group", false, "the members are groups")
	cmd.ValidArgsFunction = e.completeMembers
	return cmd
}

// findMembers finds all of them before the first is changed.
func (a *admin) findMembers(ctx context.Context, names []string, nested bool) ([]directory.Member, error) {
	find := a.accounts.PersonMember
	if nested {
		find = a.accounts.GroupMember
	}
	members := make([]directory.Member, 0, len(names))
	for _, name := range names {
		m, err := find(ctx, name)
		if err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
}
