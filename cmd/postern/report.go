package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/account"
)

func reportLegacyCommand(e *env) *cobra.Command {
	var since string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "legacy",
		Short: "Say who still sends the primary password, and who would break",
		Long: "Says whose right primary password came from LDAP and RADIUS clients: through\n" +
			"which service, from where, how often, when first and last, and what would be\n" +
			"decided if MFA were demanded of them now. Under report-only it says what would\n" +
			"have been refused. Repeats of the running minute are counted when it is over.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := e.sinceWhen(since)
			if err != nil {
				return err
			}
			return e.administer(cmd.Context(), func(a *admin) error { return a.reportLegacy(cmd.Context(), from, asJSON) })
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "from `WHEN` on: 24h, 90d or a date (default: as long as events are kept)")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (a *admin) reportLegacy(ctx context.Context, since time.Time, asJSON bool) error {
	report, err := a.accounts.LegacyReport(ctx, a.store, since)
	if err != nil {
		return err
	}
	if asJSON {
		rows := make([]legacyUseJSON, len(report))
		for i, u := range report {
			rows[i] = newLegacyUseJSON(u)
		}
		return a.printJSON(rows)
	}
	return a.printLegacy(report)
}

// legacyUseJSON is one way by which a primary password comes, under --json.
type legacyUseJSON struct {
	Login       string `json:"login"`
	AccountID   string `json:"account_id"`
	Service     string `json:"service"`
	Protocol    string `json:"protocol"`
	Method      string `json:"method"`
	Client      string `json:"client"`
	Source      string `json:"source"`
	Reported    string `json:"reported_source"`
	Count       int64  `json:"count"`
	FirstAt     moment `json:"first_at"`
	LastAt      moment `json:"last_at"`
	Refused     int64  `json:"refused"`
	WouldRefuse int64  `json:"would_have_been_refused"`

	AccountExists bool   `json:"account_exists"`
	MFA           string `json:"mfa"`
	IfDemanded    string `json:"if_mfa_demanded"`
	Reason        string `json:"if_mfa_demanded_reason"`
	WouldBreak    bool   `json:"would_break"`
	AppPasswords  int    `json:"app_passwords_for_service"`
}

func newLegacyUseJSON(u account.LegacyUse) legacyUseJSON {
	j := legacyUseJSON{
		Login: u.Login, AccountID: u.AccountID, Service: u.Service, Protocol: u.Protocol, Method: u.Method, Client: u.Client,
		Source: u.Source, Reported: u.Reported, Count: u.Count, FirstAt: moment(u.FirstAt), LastAt: moment(u.LastAt),
		Refused: u.Refused, WouldRefuse: u.WouldRefuse, AccountExists: !u.Gone,
	}
	if !u.Gone {
		j.MFA, j.IfDemanded, j.Reason = u.MFA.String(), u.IfDemanded.Outcome.String(), string(u.IfDemanded.Reason)
		j.WouldBreak, j.AppPasswords = u.Breaks(), u.AppPasswords
	}
	return j
}

func (a *admin) printLegacy(report []account.LegacyUse) error {
	t := newTable(a.stdout, "ACCOUNT", "MFA", "SERVICE", "THROUGH", "FROM", "COUNT", "WOULD REFUSE", "FIRST", "LAST", "IF MFA IS DEMANDED", "APP PASSWORDS")
	for _, u := range report {
		ev := eventJSON{Source: u.Source, Reported: u.Reported}
		through := strings.TrimSpace(u.Protocol + "/" + u.Method + " " + u.Client)
		t.row(u.Login, mfaOf(u), u.Service, through, dash(ev.from()), fmt.Sprint(u.Count), fmt.Sprint(u.WouldRefuse),
			shown(u.FirstAt), shown(u.LastAt), fate(u), fmt.Sprint(u.AppPasswords))
	}
	if err := t.flush(); err != nil {
		return err
	}
	a.say("%s", legacySummary(report))
	return nil
}

func mfaOf(u account.LegacyUse) string {
	if u.Gone {
		return "(deleted)"
	}
	return u.MFA.String()
}

// fate is what becomes of a way, in a few words.
func fate(u account.LegacyUse) string {
	switch {
	case u.Gone:
		return "-"
	case u.Breaks() && u.AppPasswords > 0:
		return "refused; an app password is there"
	case u.Breaks():
		return "refused; needs an app password"
	}
	return strings.ReplaceAll(u.IfDemanded.Outcome.String(), "_", " ")
}

// legacySummary counts accounts and says who was spared by report-only.
func legacySummary(report []account.LegacyUse) string {
	if len(report) == 0 {
		return "No primary password came from a legacy client in that time."
	}
	all, breaking, spared := map[string]bool{}, map[string]bool{}, map[string]bool{}
	would := int64(0)
	for _, u := range report {
		all[u.AccountID] = true
		if u.Breaks() {
			breaking[u.AccountID] = true
		}
		if u.WouldRefuse > 0 {
			spared[u.AccountID] = true
			would += u.WouldRefuse
		}
	}
	return fmt.Sprintf("Accounts that sent their primary password at legacy clients: %d. Refused there if MFA is demanded: %d.\n"+
		"Under report-only, accepted and to be refused: %d sign-ins of %d accounts.", len(all), len(breaking), would, len(spared))
}
