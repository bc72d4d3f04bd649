package policy

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"postern/directory"
)

// record writes the one event of the attempt, its line in the log, and the
// use of an app password that was accepted.
func (t *trial) record(d *Decision) {
	ev := t.event(d)
	if d.Outcome == Accept && d.Credential != "" {
		recordUse(t.e.recorder, ev, Use{Credential: d.Credential, At: t.a.At, From: ev.Source, Service: d.Service})
	} else {
		t.e.recorder.Record(ev)
	}
	t.logLine(d, &ev)
}

// useRecorder is a Recorder to which an event and the use that goes with it
// cost less together.
type useRecorder interface {
	RecordUse(directory.Event, Use)
}

func recordUse(r Recorder, ev directory.Event, u Use) {
	if both, ok := r.(useRecorder); ok {
		both.RecordUse(ev, u)
		return
	}
	r.Record(ev)
	r.Used(u)
}

func (t *trial) event(d *Decision) directory.Event {
	at := t.a.At.UTC().Truncate(time.Millisecond)
	ev := directory.Event{
		At: at, LastAt: at, Count: 1, Kind: directory.EventSignIn,
		Outcome: d.Outcome.String(), Reason: string(d.Reason), Service: d.Service,
		Protocol: string(t.a.Client.Protocol), Method: t.a.Client.Method,
		Client: t.a.Client.Name, Source: t.from.String(), Reported: reported(t.a.Client.Reported),
		Credential: t.credential,
	}
	if ev.Client == "" {
		ev.Client = t.a.Client.Listener
	}
	if t.account.ID == "" {
		ev.Unknown = t.e.keys.LoginDigest(spelling(t.a.Login))
		return ev
	}
	ev.AccountID, ev.Login = t.account.ID, t.account.Login
	if t.exempt {
		ev.Kind = directory.EventBreakGlass
	}
	return ev
}

// spelling is typed in the form in which logins are compared, so that one name
// has one digest; what can be no login stays as it is.
func spelling(typed string) string {
	if login, err := directory.NormalizeLogin(typed); err == nil {
		return login
	}
	return typed
}

// maxReported is the longest address a client may report, in bytes.
const maxReported = 64

// ofAddresses are the bytes that addresses are written with.
var ofAddresses = func() (set [256]bool) {
	for _, b := range []byte("0123456789abcdefABCDEF:.-+ ") {
		set[b] = true
	}
	return set
}()

// reported is what a client reports, if it can be an address of some kind: IP,
// MAC or telephone number. Anything else is what somebody typed into a field
// that is not for it.
func reported(address string) string {
	known := len(address) <= maxReported
	for i := 0; known && i < len(address); i++ {
		known = ofAddresses[address[i]]
	}
	if !known {
		return "not an address"
	}
	return address
}

// level is how loud an attempt is: what needs somebody is a warning or an
// error, what an app password does all day is for debugging. What a stranger
// can have without end, because it takes no hash, is not loud each time, or he
// could fill the disk: the events count it.
func (t *trial) level(d *Decision) slog.Level {
	switch {
	case errors.Is(t.err, context.Canceled): // who asked is gone
		return slog.LevelInfo
	case d.Outcome == Unavailable:
		return t.e.broken.level(slog.LevelError, t.e.now())
	case d.Outcome == Busy:
		return t.e.busy.level(slog.LevelWarn, t.e.now())
	case d.Reason == ReasonBraked, t.again:
		return slog.LevelDebug
	case d.Reason == ReasonForged, t.exempt:
		return slog.LevelWarn
	case d.Reason == ReasonAppPassword:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// loudEvery is how often what befalls everybody at once is said aloud.
const loudEvery = time.Second

// loudness lets one line in loudEvery be loud. It may be used concurrently.
type loudness struct{ next atomic.Int64 } // Unix time in nanoseconds

// level is loud, if it is time, and else for debugging.
func (l *loudness) level(loud slog.Level, now time.Time) slog.Level {
	next := l.next.Load()
	if now.UnixNano() < next || !l.next.CompareAndSwap(next, now.Add(loudEvery).UnixNano()) {
		return slog.LevelDebug
	}
	return loud
}

// logLine writes the attempt's line. The login is the account's own; what was
// typed for an account that is not known never stands in it.
func (t *trial) logLine(d *Decision, ev *directory.Event) {
	ctx, level := context.Background(), t.level(d)
	if !t.e.log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 12)
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	add("outcome", ev.Outcome)
	add("reason", ev.Reason)
	add("login", ev.Login)
	add("unknown", ev.Unknown)
	add("service", ev.Service)
	add("protocol", ev.Protocol)
	add("method", ev.Method)
	add("client", ev.Client)
	add("source", ev.Source)
	add("reported", ev.Reported)
	add("credential", ev.Credential)
	add("attempt", t.a.ID)
	if t.err != nil {
		attrs = append(attrs, slog.Any("error", t.err))
	}
	t.e.log.LogAttrs(ctx, level, "sign-in", attrs...)
}
