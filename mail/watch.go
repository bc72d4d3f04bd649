package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"postern/directory"
	"postern/policy"
)

// Records is what a Watcher reads and where it keeps how far it got. All may
// be used concurrently.
type Records interface {
	// Events returns what f selects; with f.After, in the order of commits.
	// directory.ErrNotFound: the event that f names is kept no more.
	Events(ctx context.Context, f directory.EventFilter) ([]directory.Event, error)
	HolderByID(ctx context.Context, id string) (policy.Holder, error)
	AppPasswords(ctx context.Context, accountID string) ([]directory.AppPassword, error)
	Meta(ctx context.Context, key string) (string, error)
	SetMeta(ctx context.Context, key, value string) error
}

// Message is a mail to one person.
type Message struct {
	To, Name      string
	Subject, Body string
}

// Sender sends a message by a server. ErrRefused says that it will never be
// taken; after any other error it is tried again.
type Sender interface {
	Send(ctx context.Context, s Server, m Message) error
}

// ErrRefused says that a mail server refused a message for good.
var ErrRefused = errors.New("the mail server refused the message")

// Settings is what the configuration says about mail. It is replaced as a whole
// at reload and never changed in place.
type Settings struct {
	Server    Server   // with Host "" nothing is sent
	Languages []string // every notice is written in each, one below the other
	Portal    string   // the portal's address; "" for none
	// TrustedRelays bind for many people: where they are says nothing of where
	// anybody is.
	TrustedRelays []netip.Prefix
}

// Watcher follows the record and tells people what concerns them.
type Watcher struct {
	Records  Records
	Sender   Sender
	Settings func() *Settings
	Now      func() time.Time
	Log      *slog.Logger

	words  map[string]catalogue
	cursor string // id of the last event that was dealt with
}

const (
	cursorKey  = "mail_cursor"
	lookEvery  = 2 * time.Second
	retryMost  = 5 * time.Minute
	atOnce     = 200
	tooOld     = 24 * time.Hour // what is older is news to nobody
	lookedBack = 500            // sign-ins that are looked through for a network
)

// Run looks every two seconds until ctx ends. While the mail server takes
// nothing it waits longer and longer, and loses nothing.
func (w *Watcher) Run(ctx context.Context) error {
	pause := lookEvery
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		switch err := w.Look(ctx); {
		case err == nil:
			pause = lookEvery
		case ctx.Err() == nil:
			if pause == lookEvery {
				w.Log.Error("notices cannot be sent; they are kept and tried again", "error", err)
			}
			pause = min(2*pause, retryMost)
		}
		timer.Reset(pause)
	}
}

// Look deals with what was recorded since the last time. With an error it stops
// where it got to, and goes on there the next time.
func (w *Watcher) Look(ctx context.Context) error {
	if w.Settings().Server.Host == "" {
		w.cursor = "" // to begin anew when there is one
		return nil
	}
	if err := w.begin(ctx); err != nil || w.cursor == "" {
		return err
	}
	for {
		events, err := w.Records.Events(ctx, directory.EventFilter{After: w.cursor, Limit: atOnce})
		if errors.Is(err, directory.ErrNotFound) { // it was kept long enough
			w.cursor = ""
			return w.Records.SetMeta(ctx, cursorKey, "")
		}
		if err != nil {
			return fmt.Errorf("reading the record: %w", err)
		}
		if err := w.deal(ctx, events); err != nil || len(events) < atOnce {
			return err
		}
	}
}

// begin finds out how far an earlier process got. The first of all begins with
// what comes next: nobody wants to be told of last year.
func (w *Watcher) begin(ctx context.Context) (err error) {
	if w.words == nil {
		if w.words, err = loadCatalogues(); err != nil {
			return err
		}
	}
	if w.cursor != "" {
		return nil
	}
	if w.cursor, err = w.Records.Meta(ctx, cursorKey); err != nil || w.cursor != "" {
		return err
	}
	last, err := w.Records.Events(ctx, directory.EventFilter{Limit: 1})
	if err != nil || len(last) == 0 {
		return err
	}
	w.cursor = last[0].ID
	return w.Records.SetMeta(ctx, cursorKey, w.cursor)
}

// deal tells people of events, and keeps how far it got.
func (w *Watcher) deal(ctx context.Context, events []directory.Event) error {
	done := w.cursor
	defer func() { w.cursor = done }()
	for _, e := range events {
		if err := w.tell(ctx, e); err != nil {
			return errors.Join(err, w.keep(ctx, done))
		}
		done = e.ID
	}
	return w.keep(ctx, done)
}

func (w *Watcher) keep(ctx context.Context, cursor string) error {
	if cursor == w.cursor {
		return nil
	}
	return w.Records.SetMeta(ctx, cursorKey, cursor)
}

// tell sends the notice that an event is worth, if it is worth one.
func (w *Watcher) tell(ctx context.Context, e directory.Event) error {
	if e.AccountID == "" || w.Now().Sub(e.At) > tooOld {
		return nil
	}
	kind, err := w.kindOf(ctx, e)
	if err != nil || kind == "" {
		return err
	}
	h, err := w.Records.HolderByID(ctx, e.AccountID)
	if errors.Is(err, directory.ErrNotFound) || err == nil && (h.Account.Mail == "" || h.Account.Kind != directory.Person) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the account: %w", err)
	}
	n, err := w.describe(ctx, kind, e, h.Account)
	if err != nil {
		return err
	}
	return w.send(ctx, n)
}

func (w *Watcher) send(ctx context.Context, n notice) error {
	s := w.Settings()
	var languages []catalogue
	for _, tag := range s.Languages {
		if c, ok := w.words[tag]; ok {
			languages = append(languages, c)
		}
	}
	m := Message{To: n.to, Name: n.name}
	m.Subject, m.Body = write(languages, n, s.Portal)
	err := w.Sender.Send(ctx, s.Server, m)
	if errors.Is(err, ErrRefused) {
		w.Log.Warn("a notice was refused by the mail server and is given up", "about", n.kind, "error", err)
		return nil
	}
	return err
}

// describe gathers what the words need.
func (w *Watcher) describe(ctx context.Context, kind string, e directory.Event, a directory.Account) (notice, error) {
	n := notice{kind: kind, to: a.Mail, name: a.Name, at: e.At, source: e.Source, service: e.Service}
	if n.name == "" {
		n.name = a.Login
	}
	if n.service == "" || n.service == directory.DefaultService {
		n.service = strings.ToUpper(e.Protocol)
	}
	switch {
	case e.Actor == "":
	case e.Actor == "portal:"+e.Login:
		n.by = "by-you"
	default:
		n.by = "by-admin"
	}
	if e.Credential == "" {
		return n, nil
	}
	list, err := w.Records.AppPasswords(ctx, a.ID)
	if err != nil {
		return n, fmt.Errorf("reading the app passwords: %w", err)
	}
	if i := slices.IndexFunc(list, func(p directory.AppPassword) bool { return p.ID == e.Credential }); i >= 0 {
		n.label, n.services = list[i].Label, strings.Join(list[i].Services, ", ")
	}
	return n, nil
}
