package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/account"
	"postern/directory"
	"postern/policy"
)

const (
	eventsPage  = 500
	eventsShown = 100 // without --since
	followEvery = 250 * time.Millisecond
)

// eventsFlags say which events are shown, and how.
type eventsFlags struct {
	login, since    string
	kinds, outcomes []string
	follow, json    bool
}

func eventsCommand(e *env) *cobra.Command {
	var f eventsFlags
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Show sign-ins and changes, the newest last",
		Long: "Shows sign-ins with their outcome and reason, and changes with who made them:\n" +
			"the last 100, or with --since all from then on. Repeats are folded into one\n" +
			"event with a count. With --follow it goes on as they come; with --json too,\n" +
			"it then prints one object a line instead of one array.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			since, err := e.sinceWhen(f.since)
			if err != nil {
				return err
			}
			return e.administer(cmd.Context(), func(a *admin) error {
				r, err := a.newEventReader(cmd.Context(), f.login, since)
				if err != nil {
					return err
				}
				if err := r.only(f); err != nil {
					return err
				}
				return r.run(cmd.Context(), f)
			})
		},
	}
	cmd.Flags().StringVar(&f.login, "login", "", "of the account `LOGIN`, or of this name that is no account's")
	cmd.Flags().StringVar(&f.since, "since", "", "from `WHEN` on: 24h, 90d or a date")
	cmd.Flags().StringSliceVar(&f.kinds, "kind", nil, "of this `KIND`, such as sign_in; several with commas")
	cmd.Flags().StringSliceVar(&f.outcomes, "outcome", nil, "sign-ins with this `OUTCOME`, such as reject; several with commas")
	cmd.Flags().BoolVar(&f.follow, "follow", false, "go on as events come")
	jsonFlag(cmd, &f.json)
	complete(cmd, "login", e.completeLogins)
	complete(cmd, "kind", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return kindWords(), noFiles
	})
	complete(cmd, "outcome", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return policy.Outcomes(), noFiles
	})
	return cmd
}

func (e *env) sinceWhen(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	at, err := parseMoment(s, e.now(), -1)
	if err != nil {
		return at, usagef("--since: %w", err)
	}
	return at, nil
}

// eventReader reads the events that were asked for.
type eventReader struct {
	*admin
	filter  directory.EventFilter
	matches func(directory.Event) bool
	last    string // id of the event seen last
}

// newEventReader filters by account where login is somebody's. Where it is
// not, events of a deleted account of that login match, and attempts under
// that very name, which are known by its digest.
func (a *admin) newEventReader(ctx context.Context, login string, since time.Time) (*eventReader, error) {
	r := &eventReader{admin: a, filter: directory.EventFilter{Since: since, Limit: eventsPage}}
	r.matches = func(directory.Event) bool { return true }
	if login == "" {
		return r, nil
	}
	h, err := a.accounts.Find(ctx, login)
	var unknown *account.Refusal
	switch {
	case err == nil:
		r.filter.AccountID = h.Account.ID
	case errors.As(err, &unknown):
		digest := a.keys.LoginDigest(login)
		r.matches = func(ev directory.Event) bool { return strings.EqualFold(ev.Login, login) || ev.Unknown == digest }
	default:
		return nil, err
	}
	return r, nil
}

// only narrows down to the kinds and outcomes that were asked for. A word that
// is none is a mistake: it would show nothing, and look like good news.
func (r *eventReader) only(f eventsFlags) error {
	for _, kind := range f.kinds {
		if !slices.Contains(directory.EventKinds, directory.EventKind(kind)) {
			return usagef("--kind %q is none of %s", kind, strings.Join(kindWords(), ", "))
		}
		r.filter.Kinds = append(r.filter.Kinds, directory.EventKind(kind))
	}
	for _, outcome := range f.outcomes {
		if !slices.Contains(policy.Outcomes(), outcome) {
			return usagef("--outcome %q is none of %s", outcome, strings.Join(policy.Outcomes(), ", "))
		}
	}
	r.filter.Outcomes = f.outcomes
	return nil
}

func kindWords() (words []string) {
	for _, kind := range directory.EventKinds {
		words = append(words, string(kind))
	}
	return words
}

func (r *eventReader) run(ctx context.Context, f eventsFlags) error {
	list, err := r.past(ctx)
	if err != nil {
		return err
	}
	if f.json && !f.follow {
		return r.printJSON(list)
	}
	show := r.printLines
	if f.json {
		show = r.printObjects
	}
	if err := show(list, true); err != nil || !f.follow {
		return err
	}
	return r.follow(ctx, show)
}

// past returns what is there already, the oldest first.
func (r *eventReader) past(ctx context.Context) ([]eventJSON, error) {
	list := []eventJSON{}
	for f := r.filter; ; {
		page, err := r.store.Events(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, ev := range page {
			if r.matches(ev) {
				list = append(list, newEventJSON(ev))
			}
		}
		if r.last == "" && len(page) > 0 {
			r.last = page[0].ID
		}
		if len(page) < f.Limit || r.filter.Since.IsZero() && len(list) >= eventsShown {
			break
		}
		f.Before = page[len(page)-1].ID
	}
	if r.filter.Since.IsZero() {
		list = list[:min(len(list), eventsShown)]
	}
	slices.Reverse(list)
	return list, nil
}

// follow goes on until ctx ends.
func (r *eventReader) follow(ctx context.Context, show func([]eventJSON, bool) error) error {
	if r.last == "" && r.filter.Since.IsZero() {
		r.filter.Since = r.now() // an empty record: what comes next is new
	}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := r.fresh(ctx, show); err != nil {
			return err
		}
	}
}

func (r *eventReader) fresh(ctx context.Context, show func([]eventJSON, bool) error) error {
	f := r.filter
	if f.After = r.last; f.After != "" {
		f.Since = time.Time{}
	}
	page, err := r.store.Events(ctx, f)
	if ctx.Err() != nil || err != nil {
		return ignoreEnd(ctx, err)
	}
	if f.After == "" {
		slices.Reverse(page)
	}
	var list []eventJSON
	for _, ev := range page {
		if r.last = ev.ID; r.matches(ev) {
			list = append(list, newEventJSON(ev))
		}
	}
	return show(list, false)
}

func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// eventJSON is an event under --json.
type eventJSON struct {
	ID         string `json:"id"`
	At         moment `json:"at"`
	LastAt     moment `json:"last_at"`
	Count      int64  `json:"count"`
	Kind       string `json:"kind"`
	AccountID  string `json:"account_id"`
	Login      string `json:"login"`
	Unknown    string `json:"unknown_login_digest"`
	Outcome    string `json:"outcome"`
	Reason     string `json:"reason"`
	Service    string `json:"service"`
	Protocol   string `json:"protocol"`
	Method     string `json:"method"`
	Client     string `json:"client"`
	Source     string `json:"source"`
	Reported   string `json:"reported_source"`
	Credential string `json:"app_password_id"`
	Actor      string `json:"actor"`
	Detail     string `json:"detail"`
}

func newEventJSON(ev directory.Event) eventJSON {
	return eventJSON{
		ev.ID, moment(ev.At), moment(ev.LastAt), ev.Count, string(ev.Kind), ev.AccountID, ev.Login, ev.Unknown,
		ev.Outcome, ev.Reason, ev.Service, ev.Protocol, ev.Method, ev.Client, ev.Source, ev.Reported,
		ev.Credential, ev.Actor, ev.Detail,
	}
}

func (r *eventReader) printObjects(list []eventJSON, _ bool) error {
	out := json.NewEncoder(r.stdout)
	out.SetEscapeHTML(false)
	for _, ev := range list {
		if err := out.Encode(ev); err != nil {
			return fmt.Errorf("writing JSON: %w", err)
		}
	}
	return nil
}

func (r *eventReader) printLines(list []eventJSON, first bool) error {
	t := newTable(r.stdout)
	if first {
		t.row("TIME", "EVENT", "ACCOUNT", "RESULT", "COUNT", "THROUGH", "FROM", "BY", "DETAIL")
	}
	for _, ev := range list {
		t.row(shown(time.Time(ev.At)), ev.Kind, ev.who(), dash(ev.result()), fmt.Sprint(ev.Count), dash(ev.through()),
			dash(ev.from()), dash(ev.Actor), dash(ev.about()))
	}
	return t.flush()
}

func (ev eventJSON) who() string {
	switch {
	case ev.Login != "":
		return ev.Login
	case ev.Unknown != "":
		return "(unknown)"
	}
	return "-"
}

func (ev eventJSON) result() string {
	if ev.Reason == "" {
		return ev.Outcome
	}
	return ev.Outcome + ": " + ev.Reason
}

// through is the way of a sign-in: "mail ldap/simple", "vpn radius/pap vpn1".
func (ev eventJSON) through() string {
	if ev.Outcome == "" {
		return ""
	}
	way := strings.Trim(ev.Protocol+"/"+ev.Method, "/")
	return strings.Join(strings.Fields(ev.Service+" "+way+" "+ev.Client), " ")
}

// about is the app password and the detail.
func (ev eventJSON) about() string { return strings.TrimSpace(ev.Credential + " " + ev.Detail) }

// from is the client's address, with the person's own where it was reported.
func (ev eventJSON) from() string {
	if ev.Reported == "" {
		return ev.Source
	}
	return ev.Source + " (reported: " + ev.Reported + ")"
}
