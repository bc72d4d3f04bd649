package portal_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
)

// TestAdministrationOverManyAccounts prints how long the pages of
// administration take over a socket with many accounts: 2 000 here, as many as
// POSTERN_ACCOUNTS says in a full run. That a page costs what it shows is held
// by TestListingPeopleCostsWhatItShows; times are printed and not judged.
func TestAdministrationOverManyAccounts(t *testing.T) {
	h := newHouse(t)
	many := 2000
	if text := os.Getenv("POSTERN_ACCOUNTS"); text != "" {
		n, err := strconv.Atoi(text)
		ok(t, err)
		many = n
	}
	admin, _ := h.administrator("zz-root")
	h.populate(many)
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "localhost:8080"
		h.portal.ServeHTTP(w, r)
	}))
	defer served.Close()
	admin.Transport = elsewhere{served.Listener.Addr().String()}
	for _, page := range []string{"/admin", "/admin?search=user" + strconv.Itoa(many/2), "/admin?search=User+Number+1", "/admin/events", "/admin/legacy"} {
		took := make([]time.Duration, 0, 40)
		for range cap(took) {
			began := time.Now()
			if got := admin.get(page); got != http.StatusOK {
				t.Fatalf("%s answers %d", page, got)
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		t.Logf("%d accounts, %-36s median %s, p90 %s", many, page, took[len(took)/2].Round(10*time.Microsecond), took[len(took)*9/10].Round(10*time.Microsecond))
	}
}

// elsewhere sends what is for the portal to a socket.
type elsewhere struct{ address string }

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	to := r.Clone(r.Context())
	to.URL.Host, to.Host = e.address, r.URL.Host
	return http.DefaultTransport.RoundTrip(to)
}

// populate adds people, and an event for each.
func (h *house) populate(many int) {
	h.t.Helper()
	for from := 0; from < many; from += 10_000 {
		var im policy.Import
		var events []directory.Event
		for i := from; i < min(many, from+10_000); i++ {
			id, err := directory.NewID(strings.NewReader(fmt.Sprintf("%016d", i)))
			ok(h.t, err)
			login := fmt.Sprintf("user%06d", i)
			im.Add = append(im.Add, policy.Holder{Account: directory.Account{
				ID: id, Login: login, Name: fmt.Sprintf("User Number %d", i), Mail: login + "@example.org", CreatedAt: h.at, ModifiedAt: h.at,
			}})
			events = append(events, directory.Event{
				ID: "event" + login, At: h.at, LastAt: h.at, Count: 1, Kind: directory.EventSignIn, AccountID: id, Login: login,
				Outcome: "accept", Reason: "app_password", Service: "mail", Protocol: "ldap", Source: "192.0.2.1",
			})
		}
		ok(h.t, h.store.ImportAccounts(h.t.Context(), im, directory.Event{ID: "import" + strconv.Itoa(from), At: h.at, LastAt: h.at, Count: 1, Kind: directory.EventAccountsImported}))
		ok(h.t, h.store.AppendEvents(h.t.Context(), events))
	}
}
