package portal

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"postern/account"
	"postern/policy"
	"postern/portal/passkey"
)

// moments remembers small things for a while, in memory: challenges under way,
// forms that were sent, enrol codes that were entered. What is lost with a
// restart is asked for again.
type moments struct {
	mu  sync.Mutex
	all map[string]moment
}

type moment struct {
	value []byte
	ends  time.Time
}

const momentsMost = 10_000

func newMoments() *moments { return &moments{all: map[string]moment{}} }

// put remembers value under key until ends, and reports whether the key was
// new.
func (m *moments) put(key string, value []byte, now, ends time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.all) >= momentsMost {
		for k, old := range m.all {
			if !now.Before(old.ends) || len(m.all) >= momentsMost {
				delete(m.all, k)
			}
		}
	}
	old, known := m.all[key]
	m.all[key] = moment{value, ends}
	return !known || !now.Before(old.ends)
}

// take returns what is remembered under key and forgets it.
func (m *moments) take(key string, now time.Time) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.all[key]
	delete(m.all, key)
	if !ok || !now.Before(found.ends) {
		return nil
	}
	return found.value
}

// has reports whether something is remembered under key.
func (m *moments) has(key string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.all[key]
	return ok && now.Before(found.ends)
}

// tries counts answers per session. A right one ends the count, for it gives
// the session another token.
type tries struct {
	mu  sync.Mutex
	all map[string]int
}

func newTries() *tries { return &tries{all: map[string]int{}} }

// take counts one before it is checked, so that answers sent at once count
// too, and reports whether it may be checked.
func (t *tries) take(digest string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) >= momentsMost {
		clear(t.all)
	}
	t.all[digest]++
	return t.all[digest] <= confirmTries
}

// spent reports whether there is no further answer after a wrong one.
func (t *tries) spent(digest string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[digest] >= confirmTries
}

// passkeys returns the person and the enrolled keys of an account.
func (p *Portal) passkeys(ctx context.Context, accountID string) (passkey.Person, []account.WebAuthnMethod, error) {
	h, err := p.Accounts.Records.HolderByID(ctx, accountID)
	if err != nil {
		return passkey.Person{}, nil, err
	}
	enrolled, err := p.Accounts.WebAuthn(ctx, accountID)
	if err != nil {
		return passkey.Person{}, nil, err
	}
	person := passkey.Person{ID: accountID, Login: h.Account.Login, Name: h.Account.Name}
	for _, m := range enrolled {
		person.Credentials = append(person.Credentials, m.Credential)
	}
	return person, enrolled, nil
}

// site is the portal as authenticators know it, at the address it has now.
func (p *Portal) site() (*passkey.Site, error) { return passkey.NewSite(p.Settings().PublicURL) }

// askPasskey begins to ask for a key of the account; key remembers the
// challenge.
func (p *Portal) askPasskey(w http.ResponseWriter, r *http.Request, accountID, key string) {
	person, _, err := p.passkeys(r.Context(), accountID)
	if err != nil {
		p.failedJSON(w, r, err)
		return
	}
	p.beginCeremony(w, r, key, person, (*passkey.Site).BeginUse)
}

func (p *Portal) beginCeremony(w http.ResponseWriter, r *http.Request, key string, person passkey.Person,
	begin func(*passkey.Site, passkey.Person) (passkey.Challenge, error),
) {
	site, err := p.site()
	if err != nil {
		p.failedJSON(w, r, err)
		return
	}
	c, err := begin(site, person)
	if err != nil {
		p.failedJSON(w, r, err)
		return
	}
	now := p.Now()
	p.moments.put(key, c.State, now, now.Add(pendingFor))
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(c.Options)
}

// checkPasskey checks what the browser signed, and uses the key's counter up.
func (p *Portal) checkPasskey(answer []byte, key string) func(context.Context, string) (bool, error) {
	state := p.moments.take(key, p.Now())
	return func(ctx context.Context, accountID string) (bool, error) {
		person, enrolled, err := p.passkeys(ctx, accountID)
		if err != nil {
			return false, err
		}
		site, err := p.site()
		if err != nil {
			return false, err
		}
		used, err := site.FinishUse(person, state, answer)
		if errors.Is(err, passkey.ErrRefused) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		return p.Accounts.UseWebAuthn(ctx, enrolled[used.Index].Method, used.Counter)
	}
}

// ceremonyAnswer is what the script sends at the end of a ceremony.
type ceremonyAnswer struct {
	Credential json.RawMessage `json:"credential"`
	Label      string          `json:"label"`
}

func readAnswer(r *http.Request) (ceremonyAnswer, bool) {
	var a ceremonyAnswer
	body, err := io.ReadAll(r.Body)
	return a, err == nil && json.Unmarshal(body, &a) == nil
}

// answerJSON answers the script.
func answerJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func (p *Portal) refusedJSON(w http.ResponseWriter, r *http.Request, status int, key string) {
	answerJSON(w, status, map[string]string{"error": p.language(r).Text(key)})
}

func (p *Portal) failedJSON(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, passkey.ErrRefused) {
		p.refusedJSON(w, r, http.StatusUnauthorized, "passkey.refused")
		return
	}
	p.Log.Error("a page failed", "method", r.Method, "route", r.Pattern, "error", err)
	p.refusedJSON(w, r, http.StatusServiceUnavailable, "broken.text")
}

// outcomeJSON maps a decision after a passkey for the script. What needs a
// page of its own is a place to go to.
func (p *Portal) outcomeJSON(w http.ResponseWriter, r *http.Request, d policy.Decision) bool {
	switch d.Outcome {
	case policy.Accept:
		return true
	case policy.Busy:
		p.refusedJSON(w, r, http.StatusServiceUnavailable, "busy.text")
	case policy.Unavailable:
		p.refusedJSON(w, r, http.StatusServiceUnavailable, "broken.text")
	default:
		p.refusedJSON(w, r, http.StatusUnauthorized, "passkey.refused")
	}
	return false
}
