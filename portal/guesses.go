package portal

import (
	"sync"
	"time"
)

const (
	guessesAtOnce = 10
	guessEvery    = time.Minute // one more may be made after this
	guessersMost  = 10_000
)

// guesses bounds how many six-digit codes may be tried on one account, however
// many sign-ins are begun for it: there are only a million. Only somebody who
// has the main password gets here, so no stranger can lock a person out, and
// passkeys and recovery codes, which cannot be guessed, go on.
type guesses struct {
	mu  sync.Mutex
	all map[string]allowance
}

// allowance is how many guesses were left at a moment.
type allowance struct {
	left float64
	at   time.Time
}

func newGuesses() *guesses { return &guesses{all: map[string]allowance{}} }

// take uses a guess up before it is checked, so that guesses made at once count
// too, and reports whether it may be made.
func (g *guesses) take(accountID string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.all) >= guessersMost {
		g.forget(now)
	}
	a := g.now(accountID, now)
	if a.left < 1 {
		return false
	}
	g.all[accountID] = allowance{a.left - 1, now}
	return true
}

// give returns one that was right.
func (g *guesses) give(accountID string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.now(accountID, now)
	g.all[accountID] = allowance{min(a.left+1, guessesAtOnce), now}
}

// now is what is left at that moment. The caller holds mu.
func (g *guesses) now(accountID string, now time.Time) allowance {
	a, known := g.all[accountID]
	if !known {
		return allowance{guessesAtOnce, now}
	}
	return allowance{min(a.left+float64(now.Sub(a.at))/float64(guessEvery), guessesAtOnce), now}
}

// forget drops those who have all their guesses again. The caller holds mu.
func (g *guesses) forget(now time.Time) {
	for id := range g.all {
		if g.now(id, now).left >= guessesAtOnce {
			delete(g.all, id)
		}
	}
}
