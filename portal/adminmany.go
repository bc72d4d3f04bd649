package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"postern/account"
	"postern/directory"
)

// mostAtOnce bounds how many accounts one request changes.
const mostAtOnce = 5000

// outcomeView says what a change of several came to.
type outcomeView struct {
	Done    int64
	Refused []refusedPerson
	Back    string
}

type refusedPerson struct{ Login, Why string }

func (outcomeView) frame() (title, nav, width string) { return "admin.outcome", "admin", "" }

// adminMFAMany changes MFA for those who were ticked.
func (p *Portal) adminMFAMany(w http.ResponseWriter, r *http.Request, v *visitor) {
	if err := r.ParseForm(); err != nil {
		p.applied(w, r, "", err)
		return
	}
	p.mfaFor(w, r, v, r.PostForm["id"], "/admin")
}

// mfaFor changes MFA for each of ids, and says for whom it was refused.
func (p *Portal) mfaFor(w http.ResponseWriter, r *http.Request, v *visitor, ids []string, back string) {
	view := outcomeView{Back: back}
	for _, id := range ids {
		err := p.setMFA(r.Context(), v.actor(), id, r.PostFormValue("to"))
		why, refused := p.refusal(r, err)
		switch {
		case refused:
			view.Refused = append(view.Refused, refusedPerson{p.loginOf(r.Context(), id), why})
		case err != nil:
			p.failed(w, r, err)
			return
		default:
			view.Done++
		}
	}
	p.show(w, r, http.StatusOK, "adminoutcome", view)
}

func (p *Portal) loginOf(ctx context.Context, id string) string {
	h, err := p.Accounts.Records.HolderByID(ctx, id)
	if err != nil {
		return id
	}
	return h.Account.Login
}

type groupsView struct {
	Groups []directory.Group
	Next   string
	First  string
}

func (groupsView) frame() (title, nav, width string) { return "admin.groups", "admin", "wide" }

func (p *Portal) adminGroups(w http.ResponseWriter, r *http.Request, _ *visitor) {
	after := r.URL.Query().Get("after")
	list, err := p.Directory.Groups(r.Context(), directory.Query{After: clip(after, 36), Limit: adminRows + 1})
	if err != nil {
		p.failed(w, r, err)
		return
	}
	view := groupsView{Groups: list}
	if len(list) > adminRows {
		view.Groups = list[:adminRows]
		view.Next = "/admin/groups?" + url.Values{"after": {list[adminRows-1].ID}}.Encode()
	}
	if after != "" {
		view.First = "/admin/groups"
	}
	p.show(w, r, http.StatusOK, "admingroups", view)
}

// adminMFAGroup changes MFA for everybody in a group, by nesting too.
func (p *Portal) adminMFAGroup(w http.ResponseWriter, r *http.Request, v *visitor) {
	ids, err := p.membersOf(r.Context(), r.PostFormValue("group"))
	if text, refused := p.refusal(r, err); refused {
		p.show(w, r, http.StatusUnprocessableEntity, "refused", refusedView{Problem: text, Back: "/admin/groups"})
		return
	}
	if err != nil {
		p.failed(w, r, err)
		return
	}
	p.mfaFor(w, r, v, ids, "/admin/groups")
}

var errTooMany = &account.Refusal{Code: "too_many_at_once", Text: "the group has more than 5000 members: name it in policy.mfa_groups instead"}

// membersOf returns the ids of the people in a group and in those within it.
func (p *Portal) membersOf(ctx context.Context, name string) ([]string, error) {
	g, err := p.Accounts.FindGroup(ctx, name)
	if err != nil {
		return nil, err
	}
	var ids []string
	seen, people := map[string]bool{g.ID: true}, map[string]bool{}
	for queue := []directory.Group{g}; len(queue) > 0; queue = queue[1:] {
		members, err := p.Accounts.Members(ctx, queue[0])
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			switch {
			case m.Group && !seen[m.ID]:
				seen[m.ID] = true
				queue = append(queue, directory.Group{ID: m.ID, Name: m.Name})
			case !m.Group && !people[m.ID]:
				people[m.ID] = true
				ids = append(ids, m.ID)
			}
		}
		if len(ids) > mostAtOnce {
			return nil, errTooMany
		}
	}
	return ids, nil
}

// eventLine is one event as administrators read it.
type eventLine struct {
	line
	Who string // login, or "" for somebody unknown
}

type eventsView struct {
	Login, Kind string
	Kinds       []string
	Lines       []eventLine
	First, Next string
	Problem     string
}

func (eventsView) frame() (title, nav, width string) { return "admin.events", "admin", "wide" }

// eventKinds are what events can be searched by.
var eventKinds = map[string][]directory.EventKind{
	"sign-ins":    {directory.EventSignIn},
	"break-glass": {directory.EventBreakGlass},
	"changes": {
		directory.EventAccountAdded, directory.EventAccountChanged, directory.EventAccountEnabled, directory.EventAccountDisabled,
		directory.EventAccountDeleted, directory.EventBrakesReleased, directory.EventPasswordChanged, directory.EventMFAOn, directory.EventMFAOff,
		directory.EventMFAReset, directory.EventMFAEnrolled, directory.EventEnrolCodeMade, directory.EventAppPasswordIssued,
		directory.EventAppPasswordEnded, directory.EventGroupAdded, directory.EventGroupDeleted, directory.EventMemberAdded,
		directory.EventMemberRemoved, directory.EventAccountsImported,
	},
}

// adminEvents shows the record, newest first, by person and by kind.
func (p *Portal) adminEvents(w http.ResponseWriter, r *http.Request, _ *visitor) {
	q := r.URL.Query()
	view := eventsView{Login: clip(q.Get("login"), directory.MaxLogin), Kind: q.Get("kind"), Kinds: []string{"sign-ins", "break-glass", "changes"}}
	filter := directory.EventFilter{Kinds: eventKinds[view.Kind], Before: q.Get("before"), Limit: adminRows + 1}
	if view.Login != "" {
		h, err := p.Accounts.Find(r.Context(), view.Login)
		if text, refused := p.refusal(r, err); refused {
			view.Problem = text
			p.show(w, r, http.StatusOK, "adminevents", view)
			return
		}
		if err != nil {
			p.failed(w, r, err)
			return
		}
		filter.AccountID = h.Account.ID
	}
	events, err := p.Events.Events(r.Context(), filter)
	if errors.Is(err, directory.ErrNotFound) {
		http.Redirect(w, r, "/admin/events", http.StatusSeeOther)
		return
	}
	if err != nil {
		p.failed(w, r, err)
		return
	}
	p.showEvents(w, r, view, events, filter.Before)
}

func (p *Portal) showEvents(w http.ResponseWriter, r *http.Request, view eventsView, events []directory.Event, before string) {
	at := url.Values{"login": {view.Login}, "kind": {view.Kind}}
	if before != "" {
		view.First = "/admin/events?" + at.Encode()
	}
	if len(events) > adminRows {
		events = events[:adminRows]
		at.Set("before", events[adminRows-1].ID)
		view.Next = "/admin/events?" + at.Encode()
	}
	for _, e := range events {
		view.Lines = append(view.Lines, eventLine{line: lineOf(e, p.language(r)), Who: e.Login})
	}
	p.show(w, r, http.StatusOK, "adminevents", view)
}

// Listener is a socket with its state, for administrators.
type Listener struct {
	Key     string // of the configuration: "ldap.listen"
	Address string
	TLS     bool
}

// RADIUSClient is a device that may ask, for administrators.
type RADIUSClient struct {
	Name, Address, Service string
	Methods                []string
	Loose                  []string // what its entry leaves open, as keys of the configuration

	HeardAt time.Time // zero for not since the start
	// What it sent last and was not understood, where that came after HeardAt;
	// "" for nothing. It is a name of radiussrv.Drop.
	Lost   string
	LostAt time.Time
}

// Installation is what is configured and how it stands.
type Installation struct {
	Version   string
	Listeners []Listener
	Clients   []RADIUSClient
	Services  []directory.Service
	Softened  []string // the switches that are on, in a sentence each
}

func (Installation) frame() (title, nav, width string) { return "admin.installation", "admin", "wide" }

func (p *Portal) adminInstallation(w http.ResponseWriter, r *http.Request, _ *visitor) {
	p.show(w, r, http.StatusOK, "admininstallation", p.Installation())
}
