package portal

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"postern/directory"
	"postern/policy"
	"postern/portal/page"
)

// line is one entry of the record as its owner reads it.
type line struct {
	directory.Event
	What    string // key of the words
	Outcome string // key of the chip's words; "" for a change
	Through string
	Device  string // the RADIUS client's name
	Label   string // of the app password
	By      string // who made a change: key of the words
}

type activityView struct {
	Lines    []line
	Findings []finding
	MayMake  bool
	First    string // where the list begins; "" on the first page
	Next     string // where it goes on; "" at the end
}

func (activityView) frame() (title, nav, width string) { return "activity.title", "activity", "" }

const activityLines = 20

// activityPage shows what happened to the account, newest first, and above all
// what goes wrong.
func (p *Portal) activityPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	before := r.URL.Query().Get("before")
	events, err := p.Events.Events(r.Context(), directory.EventFilter{AccountID: v.id(), Before: before, Limit: activityLines + 1})
	if errors.Is(err, directory.ErrNotFound) {
		http.Redirect(w, r, "/activity", http.StatusSeeOther)
		return
	}
	if err != nil {
		p.failed(w, r, err)
		return
	}
	passwords, err := p.Accounts.AppPasswords(r.Context(), v.id())
	if err != nil {
		p.failed(w, r, err)
		return
	}
	view := activityView{MayMake: p.mayMake(v)}
	if view.Findings, err = p.diagnose(r.Context(), v); err != nil {
		p.failed(w, r, err)
		return
	}
	view.fill(events, p.language(r), labelsOf(passwords))
	if before != "" {
		view.First, view.Findings = "/activity", nil
	}
	p.show(w, r, http.StatusOK, "activity", view)
}

// fill takes a batch and one event more, which tells whether the list goes on.
func (a *activityView) fill(events []directory.Event, l *page.Language, labels map[string]string) {
	if len(events) > activityLines {
		events = events[:activityLines]
		a.Next = "/activity?" + url.Values{"before": {events[activityLines-1].ID}}.Encode()
	}
	for _, e := range events {
		entry := lineOf(e, l)
		entry.Label = labels[e.Credential]
		a.Lines = append(a.Lines, entry)
	}
}

// lineOf chooses the words for an event. What has none is told by its kind
// alone.
func lineOf(e directory.Event, l *page.Language) line {
	entry := line{Event: e, Through: through(e), Device: device(e)}
	if e.Kind != directory.EventSignIn && e.Kind != directory.EventBreakGlass {
		entry.What, entry.By = changeKey(e, l), "activity.by-admin"
		if e.Actor == "portal:"+e.Login {
			entry.By = "activity.by-you"
		}
		return entry
	}
	entry.Through = signInThrough(e)
	entry.What = "reason." + e.Reason
	if !l.Has(entry.What) {
		entry.What = "reason.other"
	}
	switch e.Outcome {
	case policy.Accept.String():
		entry.Outcome = "activity.accepted"
	case policy.Reject.String():
		entry.Outcome = "activity.refused"
	default:
		entry.Outcome = "activity.asked"
	}
	return entry
}

// signInThrough names the portal as such: no service counts there.
func signInThrough(e directory.Event) string {
	if e.Protocol == string(policy.Portal) {
		return ""
	}
	return through(e)
}

// changeKey distinguishes what one kind of event is used for.
func changeKey(e directory.Event, l *page.Language) string {
	if key := "event." + string(e.Kind) + "." + strings.ReplaceAll(e.Detail, " ", "-"); e.Detail != "" && l.Has(key) {
		return key
	}
	if key := "event." + string(e.Kind); l.Has(key) {
		return key
	}
	return "event.other"
}
