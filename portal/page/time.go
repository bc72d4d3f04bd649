package page

import (
	"html/template"
	"strconv"
	"time"
)

// Ago says how long before now t was, in words: "just now", "3 minutes ago",
// and past a week the date.
func (l *Language) Ago(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return l.Text("time.never")
	case d < 2*time.Second:
		return l.Text("time.now")
	case d < time.Minute:
		return l.Count("time.seconds", int64(d/time.Second))
	case d < time.Hour:
		return l.Count("time.minutes", int64(d/time.Minute))
	case d < 24*time.Hour:
		return l.Count("time.hours", int64(d/time.Hour))
	case d < 7*24*time.Hour:
		return l.Count("time.days", int64(d/(24*time.Hour)))
	}
	return l.Date(t)
}

// Date is the day of t in UTC, written out: "22 November 2026".
func (l *Language) Date(t time.Time) string {
	if t.IsZero() {
		return l.Text("time.never")
	}
	t = t.UTC()
	return l.Text("time.date", t.Day(), l.Text("month."+strconv.Itoa(int(t.Month()))), t.Year())
}

// When is Clock for a page, marked up so that the script can show it as the
// reader's own time.
func (l *Language) When(t time.Time) template.HTML {
	return template.HTML(`<time datetime="` + iso(t) + `" data-time>` + template.HTMLEscapeString(l.Clock(t)) + `</time>`)
}

// Clock is the day and the time of t in UTC: "22 November 2026, 10:32 UTC".
func (l *Language) Clock(t time.Time) string {
	if t.IsZero() {
		return l.Text("time.never")
	}
	return l.Text("time.clock", l.Date(t), t.UTC().Format("15:04"))
}
