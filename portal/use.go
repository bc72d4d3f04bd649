package portal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/portal/page"
)

// tab is one kind of client to choose.
type tab struct {
	Name    string
	Current bool
}

type useView struct {
	Password directory.AppPassword
	Kind     string
	Tabs     []tab
	Blocks   []block
	Live     liveView
	First    bool // part of the set-up
	Steps    []string
	At       int
}

func (useView) frame() (title, nav, width string) { return "use.title", "app-passwords", "" }

// liveView is the line that says whether the app password has worked. The
// script asks for it again and again.
type liveView struct {
	Text    string `json:"text"`
	Used    bool   `json:"used"`
	Refused bool   `json:"refused"` // and meanwhile the main password was sent
}

// errNoAppPassword says that the account has no such live app password.
var errNoAppPassword = errors.New("no such app password")

// own finds a live app password of the visitor.
func (p *Portal) own(r *http.Request, v *visitor) (directory.AppPassword, error) {
	list, err := p.Accounts.AppPasswords(r.Context(), v.id())
	if err != nil {
		return directory.AppPassword{}, err
	}
	for _, a := range list {
		if a.ID == r.PathValue("id") && p.Accounts.State(a) == directory.AppPasswordLive {
			return a, nil
		}
	}
	return directory.AppPassword{}, errNoAppPassword
}

// usePage says what to fill in where, and whether it has worked: the last step
// of the set-up.
func (p *Portal) usePage(w http.ResponseWriter, r *http.Request, v *visitor) {
	a, err := p.own(r, v)
	if errors.Is(err, errNoAppPassword) {
		p.notFound(w, r)
		return
	}
	var live liveView
	if err == nil {
		live, err = p.live(r.Context(), p.language(r), a)
	}
	if err != nil {
		p.failed(w, r, err)
		return
	}
	q := r.URL.Query()
	view := useView{
		Password: a, Kind: kindOf(q.Get("client"), a.Label), Live: live,
		First: q.Has("setup"), Steps: setupSteps, At: 4,
	}
	for _, k := range kinds {
		view.Tabs = append(view.Tabs, tab{k.name, k.name == view.Kind})
	}
	view.Blocks = p.Settings().Told.instructions(view.Kind, v.holder.Account)
	p.show(w, r, http.StatusOK, "use", view)
}

// livePage answers the script of the page above.
func (p *Portal) livePage(w http.ResponseWriter, r *http.Request, v *visitor) {
	a, err := p.own(r, v)
	if errors.Is(err, errNoAppPassword) {
		p.refusedJSON(w, r, http.StatusNotFound, "missing.text")
		return
	}
	var live liveView
	if err == nil {
		live, err = p.live(r.Context(), p.language(r), a)
	}
	if err != nil {
		p.failedJSON(w, r, err)
		return
	}
	answerJSON(w, http.StatusOK, live)
}

// liveEvents bounds how many sign-ins are looked through for the first one.
const liveEvents = 50

// live finds out whether the app password has been used, and if not, whether
// the main password was tried since it was made.
func (p *Portal) live(ctx context.Context, l *page.Language, a directory.AppPassword) (liveView, error) {
	events, err := p.Events.Events(ctx, directory.EventFilter{
		AccountID: a.AccountID, Kinds: []directory.EventKind{directory.EventSignIn}, Since: a.CreatedAt, Limit: liveEvents,
	})
	if err != nil {
		return liveView{}, fmt.Errorf("reading the sign-ins: %w", err)
	}
	used, refused := firstUse(events, a)
	now := p.Now()
	switch {
	case !used.At.IsZero():
		return liveView{Text: l.Text("live.used", l.Ago(used.At, now), used.through), Used: true}, nil
	case !refused.At.IsZero():
		return liveView{Text: l.Text("live.refused", l.Ago(refused.At, now), refused.through), Refused: true}, nil
	}
	return liveView{Text: l.Text("live.waiting")}, nil
}

// use is when and through what something was used.
type use struct {
	At      time.Time
	through string
}

// firstUse finds the last use of the app password and the last refusal of the
// main password among events, newest first. What was noted with the app
// password itself counts too: it outlives the events.
func firstUse(events []directory.Event, a directory.AppPassword) (used, refused use) {
	used = use{a.LastUsedAt, throughService(a.LastUsedService, "LDAP")}
	for _, e := range events {
		switch {
		case e.Outcome == policy.Accept.String() && e.Credential == a.ID && e.LastAt.After(used.At):
			used = use{e.LastAt, through(e)}
		case sentPrimary(e) && e.LastAt.After(refused.At):
			refused = use{e.LastAt, through(e)}
		}
	}
	return used, refused
}
