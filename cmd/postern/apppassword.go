package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/account"
	"postern/directory"
	"postern/policy"
	"postern/secret"
)

func appPasswordCommand(e *env) *cobra.Command {
	return group("app-password", "Issue, list and revoke app passwords", appPasswordIssue(e), appPasswordList(e), appPasswordRevoke(e))
}

// issueFlags are what an app password is asked for with.
type issueFlags struct {
	label, expires, challenge string
	services, from            []string
	json                      bool
}

func appPasswordIssue(e *env) *cobra.Command {
	var f issueFlags
	cmd := &cobra.Command{
		Use:   "issue LOGIN --label LABEL",
		Short: "Issue an app password and print it, once",
		Long: "Issues an app password. It is printed alone on standard output, without\n" +
			"groups; its id goes to standard error. It cannot be shown again.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := e.request(f)
			if err != nil {
				return err
			}
			return e.withUser(cmd.Context(), args[0], func(a *admin, h policy.Holder) error {
				issued, err := a.accounts.Issue(cmd.Context(), a.actor, h.Account.ID, r)
				if err != nil {
					return err
				}
				return a.printIssued(issued, f.json)
			})
		},
	}
	cmd.Flags().StringVar(&f.label, "label", "", "a `LABEL`, the app or device it is for")
	cmd.Flags().StringSliceVar(&f.services, "service", nil, "a `SERVICE` it opens; may be given several times (default: app_passwords.default_services)")
	cmd.Flags().StringVar(&f.expires, "expires", "", "`WHEN` it ends: 90d, 12h or a date (default: as late as app_passwords.lifetime_days allows)")
	cmd.Flags().StringSliceVar(&f.from, "from", nil, "an address or `NETWORK` it may be used from; may be given several times")
	cmd.Flags().StringVar(&f.challenge, "challenge", "none", "what is kept for challenge methods, a `KIND`: nt for MS-CHAP, chap for CHAP and EAP-MD5 too")
	cmd.Flags().Lookup("challenge").NoOptDefVal = "nt"
	jsonFlag(cmd, &f.json)
	mustMark(cmd.MarkFlagRequired("label"))
	cmd.ValidArgsFunction = e.completeLogins
	complete(cmd, "service", e.completeServices)
	return cmd
}

func (e *env) request(f issueFlags) (account.Request, error) {
	r := account.Request{Label: f.label, Services: f.services}
	var err error
	if f.expires != "" {
		if r.ExpiresAt, err = parseMoment(f.expires, e.now(), +1); err != nil {
			return r, usagef("--expires: %w", err)
		}
	}
	if r.Networks, err = parseNetworks(f.from); err != nil {
		return r, err
	}
	switch f.challenge {
	case "none":
	case "nt":
		r.Challenge = directory.ChallengeNT
	case "chap":
		r.Challenge = directory.ChallengeCHAP
	default:
		return r, usagef("--challenge is \"nt\" or \"chap\", not %q", f.challenge)
	}
	return r, nil
}

func parseNetworks(list []string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if addr, single := netip.ParseAddr(s); single == nil {
			p, err = netip.PrefixFrom(addr.Unmap().WithZone(""), addr.Unmap().BitLen()), nil
		}
		if err != nil {
			return nil, usagef("--from %q is no address and no network such as 192.0.2.0/24", s)
		}
		networks = append(networks, p)
	}
	return networks, nil
}

// printIssued prints the secret alone, so that a program can read it.
func (a *admin) printIssued(issued account.Issued, asJSON bool) error {
	if asJSON {
		return a.printJSON(struct {
			ID     string `json:"id"`
			Secret string `json:"secret"`
		}{issued.AppPassword.ID, issued.Secret.Reveal()})
	}
	a.say("%s", issued.AppPassword.ID)
	return a.printSecret(issued.Secret)
}

// printSecret prints a secret and one newline on standard output.
func (e *env) printSecret(text secret.Text) error {
	if _, err := fmt.Fprintln(e.stdout, text.Reveal()); err != nil {
		return fmt.Errorf("printing the secret: %w", err)
	}
	return nil
}

// appPasswordJSON is an app password under --json.
type appPasswordJSON struct {
	ID              string   `json:"id"`
	Login           string   `json:"login"`
	Label           string   `json:"label"`
	Services        []string `json:"services"`
	Networks        []string `json:"networks"`
	Challenge       string   `json:"challenge"`
	State           string   `json:"state"`
	CreatedAt       moment   `json:"created_at"`
	ExpiresAt       moment   `json:"expires_at"`
	LastUsedAt      moment   `json:"last_used_at"`
	LastUsedFrom    string   `json:"last_used_from"`
	LastUsedService string   `json:"last_used_service"`
	RevokedAt       moment   `json:"revoked_at"`
}

func (a *admin) appPasswordsJSON(login string, list []directory.AppPassword) []appPasswordJSON {
	made := make([]appPasswordJSON, 0, len(list))
	for _, p := range list {
		networks := make([]string, 0, len(p.Networks))
		for _, n := range p.Networks {
			networks = append(networks, n.String())
		}
		made = append(made, appPasswordJSON{
			ID: p.ID, Login: login, Label: p.Label, Services: orEmpty(p.Services), Networks: networks,
			Challenge: p.Challenge.String(), State: a.accounts.State(p).String(),
			CreatedAt: moment(p.CreatedAt), ExpiresAt: moment(p.ExpiresAt), LastUsedAt: moment(p.LastUsedAt),
			LastUsedFrom: p.LastUsedFrom, LastUsedService: p.LastUsedService, RevokedAt: moment(p.RevokedAt),
		})
	}
	return made
}

func appPasswordList(e *env) *cobra.Command {
	return credentialList(e, "List the app passwords of an account, the newest first", directory.KindAppPassword)
}

func credentialList(e *env, short string, kind directory.CredentialKind) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list LOGIN",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.withUser(cmd.Context(), args[0], func(a *admin, h policy.Holder) error {
				list, err := a.accounts.AppPasswords(cmd.Context(), h.Account.ID)
				shownList := a.appPasswordsJSON(h.Account.Login, ofKind(list, kind))
				if err != nil || asJSON {
					return orPrint(err, a.env, shownList)
				}
				return a.appPasswordTable(shownList)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.ValidArgsFunction = e.completeLogins
	return cmd
}

func (a *admin) appPasswordTable(list []appPasswordJSON) error {
	t := newTable(a.stdout, "ID", "LABEL", "STATE", "SERVICES", "FROM", "CREATED", "EXPIRES", "LAST USED")
	for _, p := range list {
		t.row(p.ID, p.Label, p.State, strings.Join(p.Services, ","), orElse(strings.Join(p.Networks, ","), "anywhere"),
			shown(time.Time(p.CreatedAt)), shownOr(time.Time(p.ExpiresAt), "never"), lastUse(p))
	}
	return t.flush()
}

// orElse stands in for an empty cell.
func orElse(s, none string) string {
	if s == "" {
		return none
	}
	return s
}

func lastUse(p appPasswordJSON) string {
	if time.Time(p.LastUsedAt).IsZero() {
		return "never"
	}
	return shown(time.Time(p.LastUsedAt)) + " through " + p.LastUsedService + " from " + p.LastUsedFrom
}

func appPasswordRevoke(e *env) *cobra.Command {
	var all, yes bool
	cmd := &cobra.Command{
		Use:   "revoke LOGIN ID | revoke LOGIN --all",
		Short: "Revoke an app password, or all of an account",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 2) {
				return usagef("name one app password by its id, or say --all")
			}
			return e.withUser(cmd.Context(), args[0], func(a *admin, h policy.Holder) error {
				if all {
					return a.revokeAll(cmd.Context(), h, yes)
				}
				return a.revoke(cmd.Context(), h, args[1])
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "revoke all of the account's app passwords")
	yesFlag(cmd, &yes)
	cmd.ValidArgsFunction = e.completeAppPasswords
	return cmd
}

func (a *admin) revoke(ctx context.Context, h policy.Holder, id string) error {
	changed, err := a.accounts.Revoke(ctx, a.actor, h.Account.ID, id)
	if err != nil {
		return err
	}
	if changed {
		a.say("revoked %s", id)
	} else {
		a.say("%s was revoked before", id)
	}
	return nil
}

func (a *admin) revokeAll(ctx context.Context, h policy.Holder, yes bool) error {
	if err := a.confirm(yes, "Revoke all app passwords of "+h.Account.Login+"?"); err != nil {
		return err
	}
	n, err := a.accounts.RevokeAll(ctx, a.actor, h.Account.ID)
	if err != nil {
		return err
	}
	a.say("revoked %d app passwords of %s", n, h.Account.Login)
	return nil
}
