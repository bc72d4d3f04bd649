package policy

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"postern/directory"
)

// Holdings lists the credentials of an account, ended ones too, newest first.
// Only Explain asks for it.
type Holdings interface {
	Holdings(ctx context.Context, accountID string) ([]Holding, error)
}

// Question is what Explain is asked.
type Question struct {
	Login  string
	Naming directory.Naming
	// Service is the service to suppose. Empty: for an app password that is
	// limited to services the first of them, else the default.
	Service string
	// From is the address to suppose. The zero Addr: for a credential that is
	// limited to networks an address of the first of them, else none.
	From netip.Addr
}

// Explanation says what would be decided for an account, and by which rules.
// It holds no secret.
type Explanation struct {
	Login   string        `json:"login"`      // as shown; as typed where nobody is known by it
	Account string        `json:"account_id"` // "" where nobody is known by that login
	Answers []Supposition `json:"answers"`
	Brakes  []BrakeOn     `json:"brakes"` // those that are on now
}

// BrakeOn is a brake of the account that is on: there, the primary password or
// the second factor is not looked at.
type BrakeOn struct {
	From   string    `json:"from"` // "" for every source it did not sign in from lately
	Second bool      `json:"second_factor"`
	Until  time.Time `json:"until"`
}

// Supposition is one credential at one kind of client, supposed to be
// presented rightly.
type Supposition struct {
	Credential string   `json:"credential"` // "primary password", or the label of an app password
	ID         string   `json:"id"`         // of the app password; "" for the primary password
	Client     string   `json:"client"`     // "legacy", "legacy-otp", "interactive"
	Service    string   `json:"service"`
	From       string   `json:"from"` // "" where none was supposed
	Outcome    string   `json:"outcome"`
	Reason     Reason   `json:"reason"`
	Chain      []string `json:"chain"` // what was found and which rule decided, in that order
}

// Explain says what would be decided if the primary password or one of the
// app passwords of an account were presented now, at each kind of client. It
// gathers facts and decides as Authenticate does, runs no hash, counts no guess
// and records nothing. Where an address is supposed, the brakes are asked for it.
// An error means that it is not known.
func (e *Engine) Explain(ctx context.Context, q Question) (Explanation, error) {
	x := Explanation{Login: q.Login, Brakes: []BrakeOn{}}
	rules := e.rules.Load()
	if rules == nil {
		return x, errNoRules
	}
	h, err := e.records.HolderByName(ctx, directory.ParseName(q.Login, q.Naming, rules.Domain))
	if errors.Is(err, directory.ErrNotFound) {
		x.Answers = e.supposeNobody(q)
		return x, nil
	}
	if err != nil {
		return x, err
	}
	x.Login, x.Account = h.Account.Login, h.Account.ID
	x.Answers, x.Brakes = e.supposePrimary(q, h), e.brakesOn(h)
	if e.holdings == nil {
		return x, nil
	}
	list, err := e.holdings.Holdings(ctx, h.Account.ID)
	if err != nil {
		return x, err
	}
	for _, held := range list {
		held.Holder = h
		x.Answers = append(x.Answers, e.supposeCredential(q, held)...)
	}
	return x, nil
}

func (e *Engine) supposeNobody(q Question) []Supposition {
	return []Supposition{e.suppose(q, Legacy, func(t *trial) {}).answer("any password", "")}
}

// supposePrimary supposes the right primary password at every kind of client.
func (e *Engine) supposePrimary(q Question, h Holder) (all []Supposition) {
	kinds := []ClientKind{Legacy, LegacyOTP, Interactive}
	if h.Account.Kind != directory.Person {
		kinds = kinds[:1]
	}
	for _, kind := range kinds {
		t := e.suppose(q, kind, func(t *trial) {
			t.know(h)
			if !h.PasswordHash.Empty() {
				t.facts.Match = MatchPrimary
			}
			t.facts.Braked = q.From.IsValid() && e.brakes.On(t.guessOf(h), e.now())
		})
		t.holder = h
		all = append(all, t.answer("primary password", ""))
	}
	return all
}

func (e *Engine) brakesOn(h Holder) []BrakeOn {
	on := []BrakeOn{}
	for _, held := range e.brakes.Held(h.Account.ID, h.BrakeReleases, e.now()) {
		b := BrakeOn{Second: held.Second, Until: held.Until.UTC()}
		if held.Source.IsValid() {
			b.From = held.Source.String()
		}
		on = append(on, b)
	}
	return on
}

// supposeCredential supposes an app password at both kinds of client between
// which it matters.
func (e *Engine) supposeCredential(q Question, held Holding) (all []Supposition) {
	c := held.Credential
	if q.Service == "" && !c.ForService(directory.AnyService) && len(c.Services) > 0 {
		q.Service = c.Services[0]
	}
	if !q.From.IsValid() {
		q.From = e.someAddress(held)
	}
	for _, kind := range []ClientKind{Legacy, Interactive} {
		t := e.suppose(q, kind, func(t *trial) { t.judge(&held) })
		all = append(all, t.answer(c.Label, c.ID))
	}
	return all
}

// someAddress is an address that held may be used from, where it is limited.
func (e *Engine) someAddress(held Holding) netip.Addr {
	networks := held.Credential.Networks
	if len(networks) == 0 && held.Holder.Account.Kind == directory.ServiceAccount {
		networks = e.rules.Load().serviceAccounts[loginKey(held.Holder.Account)]
	}
	if len(networks) == 0 {
		return netip.Addr{}
	}
	return networks[0].Addr()
}

// supposed is a trial of a supposed credential.
type supposed struct {
	trial
	holder Holder // with Groups, where the rules asked for it
}

// suppose decides over the facts that find gathers for a client of that kind.
func (e *Engine) suppose(q Question, kind ClientKind, find func(*trial)) *supposed {
	s := &supposed{trial: e.begin(Attempt{Client: Client{Kind: kind}})}
	s.from = q.From.Unmap()
	s.service = q.Service
	if s.service == "" {
		s.service = directory.DefaultService
	}
	s.gather(func() { find(&s.trial) })
	return s
}

func (s *supposed) answer(credential, id string) Supposition {
	d := Decide(s.facts)
	a := Supposition{
		Credential: credential, ID: id, Client: s.facts.Client.String(), Service: s.service,
		Outcome: d.Outcome.String(), Reason: d.Reason, Chain: slices.Concat(s.findings(), []string{d.Reason.Sentence()}),
	}
	if s.from.IsValid() {
		a.From = s.from.String()
	}
	return a
}
