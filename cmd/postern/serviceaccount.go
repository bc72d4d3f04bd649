package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func serviceAccountCommand(e *env) *cobra.Command {
	return group("service-account", "Look after the secrets of service accounts", serviceAccountSecret(e), serviceAccountList(e))
}

func serviceAccountSecret(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "secret NAME",
		Short: "Make the secret of a service account, or replace it, and print it once",
		Long: "Makes a new secret for a service account of the configuration. The one it\n" +
			"had is revoked at the same moment.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.administer(cmd.Context(), func(a *admin) error {
				issued, err := a.accounts.ServiceAccountSecret(cmd.Context(), a.actor, args[0])
				if err != nil {
					return err
				}
				return a.printIssued(issued, asJSON)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.ValidArgsFunction = e.completeServiceAccounts
	return cmd
}

type serviceAccountJSON struct {
	Name         string   `json:"name"`
	Networks     []string `json:"networks"`
	SecretID     string   `json:"secret_id"`
	CreatedAt    moment   `json:"created_at"`
	LastUsedAt   moment   `json:"last_used_at"`
	LastUsedFrom string   `json:"last_used_from"`
}

func serviceAccountList(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the service accounts of the configuration",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.administer(cmd.Context(), func(a *admin) error {
				states, err := a.accounts.ServiceAccounts(cmd.Context())
				list := make([]serviceAccountJSON, 0, len(states))
				for _, s := range states {
					j := serviceAccountJSON{
						Name: s.Name, Networks: []string{}, SecretID: s.Secret.ID, CreatedAt: moment(s.Secret.CreatedAt),
						LastUsedAt: moment(s.Secret.LastUsedAt), LastUsedFrom: s.Secret.LastUsedFrom,
					}
					for _, n := range s.Networks {
						j.Networks = append(j.Networks, n.String())
					}
					list = append(list, j)
				}
				if err != nil || asJSON {
					return orPrint(err, a.env, list)
				}
				return a.serviceAccountTable(list)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (a *admin) serviceAccountTable(list []serviceAccountJSON) error {
	t := newTable(a.stdout, "NAME", "FROM", "SECRET MADE", "LAST USED")
	for _, s := range list {
		t.row(s.Name, dash(strings.Join(s.Networks, ",")), shownOr(time.Time(s.CreatedAt), "none"), shownOr(time.Time(s.LastUsedAt), "never"))
	}
	return t.flush()
}
