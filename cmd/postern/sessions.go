package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"postern/directory"
)

// sessionsFlags say which network sessions are shown, and how.
type sessionsFlags struct {
	login     string
	all, json bool
}

const sessionsShown = 1000

func sessionsCommand(e *env) *cobra.Command {
	var f sessionsFlags
	cmd := &cobra.Command{
		Use:   "sessions",
		Short: "Show who is on a network, since when, and by which app password",
		Long: "Shows the sessions that RADIUS clients report (accounting): who is on, through\n" +
			"which client, since when, with which address and by which app password; those\n" +
			"that began last first. With --all those that ended too.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.administer(cmd.Context(), func(a *admin) error {
				filter := directory.NetworkSessionFilter{Ended: f.all, Limit: sessionsShown}
				if f.login != "" {
					h, err := a.accounts.Find(cmd.Context(), f.login)
					if err != nil {
						return err
					}
					filter.AccountID = h.Account.ID
				}
				list, err := a.store.NetworkSessions(cmd.Context(), filter)
				if err != nil {
					return err
				}
				if f.json {
					return a.printJSON(newSessionsJSON(list))
				}
				return a.printSessions(list)
			})
		},
	}
	cmd.Flags().StringVar(&f.login, "login", "", "of the account `LOGIN`")
	cmd.Flags().BoolVar(&f.all, "all", false, "those that ended as well")
	jsonFlag(cmd, &f.json)
	complete(cmd, "login", e.completeLogins)
	return cmd
}

// sessionJSON is a network session under --json.
type sessionJSON struct {
	ID         string `json:"id"`
	Login      string `json:"login"`
	AccountID  string `json:"account_id"`
	UserName   string `json:"user_name"`
	Credential string `json:"app_password_id"`
	Label      string `json:"app_password_label"`
	Client     string `json:"client"`
	NAS        string `json:"nas"`
	Session    string `json:"session_id"`
	Address    string `json:"address"`
	Reported   string `json:"reported_source"`
	Called     string `json:"called"`
	Port       string `json:"port"`
	StartedAt  moment `json:"started_at"`
	SeenAt     moment `json:"last_report_at"`
	EndedAt    moment `json:"ended_at"`
	Ended      string `json:"ended_by"`
	Seconds    int64  `json:"seconds"`
	InOctets   int64  `json:"in_octets"`
	OutOctets  int64  `json:"out_octets"`
	Disconnect string `json:"disconnect"`
}

func newSessionsJSON(list []directory.NetworkSession) []sessionJSON {
	out := make([]sessionJSON, 0, len(list))
	for _, n := range list {
		out = append(out, sessionJSON{
			n.ID, n.Login, n.AccountID, n.UserName, n.Credential, n.Label, n.Client, n.NAS, n.Session, n.Address, n.Reported, n.Called, n.Port,
			moment(n.StartedAt), moment(n.SeenAt), moment(n.EndedAt), string(n.Ended), n.Seconds, n.InOctets, n.OutOctets, n.Outcome,
		})
	}
	return out
}

func (a *admin) printSessions(list []directory.NetworkSession) error {
	t := newTable(a.stdout, "ACCOUNT", "THROUGH", "SINCE", "ADDRESS", "FROM", "BY", "FOR", "IN", "OUT", "ENDED")
	for _, n := range list {
		t.row(whoseSession(n), n.Client+" "+n.NAS, shown(n.StartedAt), dash(n.Address), dash(n.Reported), byWhich(n),
			(time.Duration(n.Seconds) * time.Second).String(), bytesShown(n.InOctets), bytesShown(n.OutOctets), endShown(n))
	}
	return t.flush()
}

func whoseSession(n directory.NetworkSession) string {
	switch {
	case n.Login != "":
		return n.Login
	case n.AccountID != "":
		return "(deleted)"
	}
	return "(unknown)"
}

// byWhich names the app password.
func byWhich(n directory.NetworkSession) string {
	switch {
	case n.Label != "":
		return fmt.Sprintf("%q (%s)", n.Label, n.Credential)
	case n.Credential != "":
		return n.Credential
	}
	return "-"
}

func endShown(n directory.NetworkSession) string {
	if n.EndedAt.IsZero() {
		return dash(n.Outcome)
	}
	return shown(n.EndedAt) + " " + string(n.Ended)
}

// bytesShown is for people: three digits and a unit.
func bytesShown(n int64) string {
	value, unit := float64(n), 0
	for value >= 1000 && unit < 4 {
		value, unit = value/1000, unit+1
	}
	return fmt.Sprintf("%.3g %s", value, []string{"B", "kB", "MB", "GB", "TB"}[unit])
}
