package policy

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"postern/directory"
	"postern/secret"
)

func TestAnAppPasswordReadsTheClockOnce(t *testing.T) {
	w := newWorld(t)
	app, _ := w.issue(t, "id-ann", nil)
	read := 0
	w.now = func() time.Time { read++; return noon }
	a := Attempt{At: noon, Client: mailClient, Remote: mailAddr, Login: "ann", Secret: app}
	if d := w.authenticate(t, a); d.Outcome != Accept || d.Grant.at != noon || read != 1 {
		t.Errorf("%v, granted at %v, and the clock was read %d times", d.Outcome, d.Grant.at, read)
	}
}

// slowly are Records that take their time.
type slowly struct {
	Records
	takes time.Duration
}

func (s slowly) AppPassword(ctx context.Context, digests []secret.Digest, name directory.Name) (Holding, error) {
	time.Sleep(s.takes)
	return s.Records.AppPassword(ctx, digests, name)
}

// TestAnEndThatPassesDuringTheQueryCounts: what is remembered of the clock is the
// moment behind the query, not that of the request.
func TestAnEndThatPassesDuringTheQueryCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const query = 3 * time.Second
		w := newWorld(t)
		w.tick()
		w.engine.records = slowly{w, query}
		for ends, want := range map[time.Duration]Outcome{2 * query: Accept, query / 2: Reject} {
			began := w.now()
			app, _ := w.issue(t, "id-ann", func(c *directory.AppPassword) { c.ExpiresAt = began.Add(ends) })
			d := w.engine.Authenticate(t.Context(), Attempt{At: began, Client: mailClient, Remote: mailAddr, Login: "ann", Secret: app})
			if d.Outcome != want {
				t.Errorf("one that ends in %v, asked for in %v: %v", ends, query, d.Outcome)
			}
			if want == Accept && !d.Grant.at.Equal(began.Add(query)) {
				t.Errorf("it was granted %v after it was asked for", d.Grant.at.Sub(began))
			}
		}
	})
}
