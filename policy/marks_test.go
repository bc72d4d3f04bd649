package policy

import (
	"context"
	"errors"
	"testing"
	"time"

	"postern/directory"
)

// markFunc is storage that says by itself what state it is in.
type markFunc func() Mark

func (f markFunc) Mark() Mark { return f() }

// marked gives the world a state that changes only when the test says so.
func marked(w *world) (state *Mark) {
	state = &Mark{1}
	w.marks = markFunc(func() Mark { return *state })
	w.start()
	return state
}

// asks is how many queries it takes to ask whether g stands, and the answer.
func (w *world) asks(t *testing.T, g Grant) (queries int, stands bool) {
	t.Helper()
	before := len(w.queries)
	stands = w.entitled(t, g)
	return len(w.queries) - before, stands
}

func TestAGrantIsReadAgainOnlyAfterACommit(t *testing.T) {
	for name, c := range map[string]struct {
		grant func(*testing.T, *world) Grant
		end   func(*world)
	}{
		"app password": {func(t *testing.T, w *world) Grant {
			app, _ := w.issue(t, "id-ann", nil)
			return w.attempt(t, mailClient, "ann", app).Grant
		}, func(w *world) { w.held[0].Credential.RevokedAt = noon }},
		"primary": {func(t *testing.T, w *world) Grant { return w.attempt(t, mailClient, "bob", text(bobPassword)).Grant },
			func(w *world) { w.holder("id-bob").MFADemanded = true }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			state := marked(w)
			g := c.grant(t, w)
			expect := func(queries int, stands bool) {
				t.Helper()
				if n, ok := w.asks(t, g); n != queries || ok != stands {
					t.Errorf("%d queries and %v, want %d and %v", n, ok, queries, stands)
				}
			}
			expect(1, true)
			expect(0, true)
			*state = Mark{2} // something else was committed
			expect(1, true)
			expect(0, true)
			*state = Mark{} // it is not known
			expect(1, true)
			expect(1, true)
			*state = Mark{3}
			expect(1, true)
			c.end(w)
			*state = Mark{4}
			expect(1, false)
			expect(0, false)
		})
	}
}

// TestClockAndRulesBiteWithoutACommit: what is kept of a grant is rows.
func TestClockAndRulesBiteWithoutACommit(t *testing.T) {
	for name, change := range map[string]func(*world){
		"time is up":     func(w *world) { w.now = func() time.Time { return noon.Add(2 * time.Hour) } },
		"account's time": func(w *world) { w.now = func() time.Time { return noon.Add(time.Hour + time.Minute) } },
		"unused too long": func(w *world) {
			w.rules.UnusedAfter = time.Minute
			w.apply()
		},
		"service given to others": func(w *world) {
			w.rules.Services = []directory.Service{{Name: "vpn", LDAPNetworks: prefixes("192.0.2.0/24")}}
			w.apply()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			marked(w)
			w.holder("id-ann").Account.ExpiresAt = noon.Add(time.Hour)
			app, _ := w.issue(t, "id-ann", func(p *directory.AppPassword) {
				p.Services, p.ExpiresAt = []string{"mail"}, noon.Add(2*time.Hour)
			})
			g := w.attempt(t, mailClient, "ann", app).Grant
			if _, ok := w.asks(t, g); !ok {
				t.Fatal("not entitled at once")
			}
			change(w)
			if n, ok := w.asks(t, g); n != 0 || ok {
				t.Errorf("%d queries and %v, want none and refused", n, ok)
			}
		})
	}
}

// TestAGrantThatCouldNotBeReadIsReadAgain: trouble is kept no more than an
// answer is.
func TestAGrantThatCouldNotBeReadIsReadAgain(t *testing.T) {
	w := newWorld(t)
	marked(w)
	app, _ := w.issue(t, "id-ann", nil)
	g := w.attempt(t, mailClient, "ann", app).Grant
	w.failQuery["AppPassword"] = errors.New("the disk is gone")
	if ok, err := w.engine.Entitled(context.Background(), g); ok || err == nil {
		t.Fatalf("entitled %v, %v", ok, err)
	}
	delete(w.failQuery, "AppPassword")
	if n, ok := w.asks(t, g); n != 1 || !ok {
		t.Errorf("%d queries and %v, want one and entitled", n, ok)
	}
}

// TestWhatWasTamperedWithIsRefusedEachTime: whether a row is genuine is found
// out once for each row that was read.
func TestWhatWasTamperedWithIsRefusedEachTime(t *testing.T) {
	w := newWorld(t)
	state := marked(w)
	app, row := w.issue(t, "id-ann", nil)
	g := w.attempt(t, mailClient, "ann", app).Grant
	issued := *row
	for i, c := range []struct {
		change func()
		stands bool
	}{
		{func() {}, true},
		{func() { row.Credential.Networks = prefixes("192.0.2.0/24", "0.0.0.0/0") }, false},
		{func() { *row = issued }, true},
		{func() { row.RowMAC[5] ^= 1 }, false},
		{func() { *row = issued }, true},
	} {
		c.change()
		*state = Mark{uint64(i) + 2}
		for queries := 1; queries >= 0; queries-- {
			if n, ok := w.asks(t, g); n != queries || ok != c.stands {
				t.Errorf("change %d: %d queries and %v, want %d and %v", i, n, ok, queries, c.stands)
			}
		}
	}
}
