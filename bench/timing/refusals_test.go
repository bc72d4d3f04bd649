package timing

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"postern/bench/site"
)

const (
	right = "correct horse battery"
	wrong = "incorrect horse battery"
)

// class is a way to be refused.
type class struct{ name, login, password string }

// tries is how often each class is asked; POSTERN_TRIES says otherwise.
func tries(t *testing.T) int {
	t.Helper()
	text := os.Getenv("POSTERN_TRIES")
	if text == "" {
		return 60
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("POSTERN_TRIES is %q: give a number", text)
	}
	return n
}

// asker asks once and returns the answer with what must differ made zero.
type asker func(login, password string) ([]byte, error)

// TestRefusalsAreAlike asks for each class in a random order and holds the
// answers to the same bytes, and the medians of their times within a tenth.
func TestRefusalsAreAlike(t *testing.T) {
	binary, err := site.Build(t.Context(), "../..", t.TempDir())
	ok(t, err)
	s, err := site.New(t.Context(), binary, t.TempDir(), site.Config)
	ok(t, err)
	p, err := s.Serve(t.Context(), "ldap.listen", "radius.listen")
	ok(t, err)
	t.Cleanup(p.Kill)
	shared, err := s.Secret()
	ok(t, err)
	t.Run("LDAP", func(t *testing.T) {
		compare(t, classes(t, s, "l", "vpn"), func() (asker, func(), error) {
			l, err := site.DialLDAP(p.At("ldap.listen"))
			if err != nil {
				return nil, nil, err
			}
			return func(login, password string) ([]byte, error) {
				_, answer, err := l.Bind(login, password)
				return answer, err
			}, l.Close, nil
		})
	})
	t.Run("RADIUS", func(t *testing.T) {
		compare(t, classes(t, s, "r", "mail"), func() (asker, func(), error) {
			r, err := site.DialRADIUS(p.At("radius.listen"), shared)
			if err != nil {
				return nil, nil, err
			}
			return func(login, password string) ([]byte, error) {
				_, answer, err := r.PAP(login, password)
				return answer, err
			}, r.Close, nil
		})
	})
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// classes makes people of all the ways to be refused. other is a service that
// is not the one asked through.
func classes(t *testing.T, s *site.Site, prefix, other string) []class {
	t.Helper()
	ctx := t.Context()
	run := func(args ...string) {
		t.Helper()
		_, err := s.Run(ctx, "", args...)
		ok(t, err)
	}
	person := func(name string) string {
		t.Helper()
		ok(t, s.AddPerson(ctx, prefix+name, right))
		return prefix + name
	}
	issue := func(login string, more ...string) site.Issued {
		t.Helper()
		i, err := s.Issue(ctx, login, "phone", more...)
		ok(t, err)
		return i
	}
	mfa, off, owner := person("mfa"), person("plain"), person("owner")
	run("user", "mfa", mfa, "on")
	run("user", "mfa", owner, "on")
	disabled := person("disabled")
	run("user", "disable", disabled)
	revoked, scoped, expired := issue(owner), issue(owner, "--service", other), issue(owner, "--expires", time.Now().UTC().Add(3*time.Second).Format(time.RFC3339))
	run("app-password", "revoke", owner, revoked.ID)
	await(t, s, owner, expired.ID)
	return []class{
		{"unknown account", prefix + "nobody", right},
		{"wrong password", off, wrong},
		{"MFA account's primary", mfa, right},
		{"disabled account", disabled, right},
		{"revoked app password", owner, revoked.Secret},
		{"expired app password", owner, expired.Secret},
		{"app password of another service", owner, scoped.Secret},
	}
}

// await asks until the app password has expired.
func await(t *testing.T, s *site.Site, login, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		out, err := s.Run(ctx, "", "app-password", "list", login, "--json")
		ok(t, err)
		var list []struct{ ID, State string }
		ok(t, json.Unmarshal([]byte(out), &list))
		for _, a := range list {
			if a.ID == id && a.State == "expired" {
				return
			}
		}
	}
}

// askers is how many ask at once.
const askers = 4

// sample is one answer.
type sample struct {
	class  int
	took   time.Duration
	answer []byte
}

func compare(t *testing.T, all []class, dial func() (asker, func(), error)) {
	t.Helper()
	n := tries(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %d tries of each class", seed, n)
	samples := collect(t, all, n, seed, dial)
	times := make([][]time.Duration, len(all))
	for _, s := range samples {
		times[s.class] = append(times[s.class], s.took)
		if !bytes.Equal(s.answer, samples[0].answer) {
			t.Fatalf("%s answers %x, %s %x", all[s.class].name, s.answer, all[samples[0].class].name, samples[0].answer)
		}
	}
	least, most := time.Hour, time.Duration(0)
	for i, c := range all {
		slices.Sort(times[i])
		median := times[i][len(times[i])/2]
		least, most = min(least, median), max(most, median)
		t.Logf("%-32s median %8.3f ms, p10 %8.3f, p90 %8.3f", c.name, ms(median), ms(times[i][len(times[i])/10]), ms(times[i][len(times[i])*9/10]))
	}
	if most > least*11/10 {
		t.Errorf("the medians lie between %s and %s: more than a tenth apart", least, most)
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// collect asks n times for each class, shuffled, from several connections.
func collect(t *testing.T, all []class, n int, seed uint64, dial func() (asker, func(), error)) []sample {
	t.Helper()
	order := make([]int, 0, n*len(all))
	for i := range n * len(all) {
		order = append(order, i%len(all))
	}
	shuffle := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // it mixes classes
	shuffle.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	parts := make([][]sample, askers)
	failures := make([]error, askers)
	var asking sync.WaitGroup
	for a := range askers {
		asking.Go(func() { parts[a], failures[a] = ask(all, order[a*len(order)/askers:(a+1)*len(order)/askers], dial) })
	}
	asking.Wait()
	var samples []sample
	for a := range askers {
		ok(t, failures[a])
		samples = append(samples, parts[a]...)
	}
	return samples
}

func ask(all []class, order []int, dial func() (asker, func(), error)) (samples []sample, err error) {
	once, closed, err := dial()
	if err != nil {
		return nil, err
	}
	defer closed()
	for _, i := range order {
		began := time.Now()
		answer, err := once(all[i].login, all[i].password)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", all[i].name, err)
		}
		samples = append(samples, sample{i, time.Since(began), answer})
	}
	return samples, nil
}
