package portal_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"postern/account"
	"postern/directory"
	"postern/policy"
	"postern/secret"
)

func (c *counted) People(ctx context.Context, q directory.PeopleQuery) ([]policy.Holder, error) {
	list, err := c.db.People(ctx, q)
	c.queries++
	c.rows += len(list)
	return list, err
}

func (c *counted) Groups(ctx context.Context, q directory.Query) ([]directory.Group, error) {
	return c.db.Groups(ctx, q)
}

// administrator adds one and signs them in.
func (h *house) administrator(login string) (*browser, []byte) {
	h.t.Helper()
	h.group("admins")
	h.add(login, "admins")
	b := h.browser()
	return b, b.enrol(login)
}

func TestAdministrationIsForAdministratorsWithASecondFactor(t *testing.T) {
	h := newHouse(t)
	admin, _ := h.administrator("root")
	ann := h.add("ann")
	ok(t, h.MFAOn(t.Context(), actor, ann))
	member := h.browser()
	member.enrol("ann")
	for _, page := range []string{"/admin", "/admin/people/" + ann, "/admin/groups", "/admin/events", "/admin/installation"} {
		if got := admin.get(page); got != http.StatusOK {
			t.Errorf("an administrator gets %d for %s", got, page)
		}
		if got := member.get(page); got != http.StatusNotFound {
			t.Errorf("somebody else gets %d for %s", got, page)
		}
		if strings.Contains(member.page, `href="/admin`) {
			t.Errorf("somebody else reads of administration at %s", page)
		}
	}
	if got := member.post("/admin/people/"+ann+"/mfa", "to", "off"); got != http.StatusNotFound {
		t.Errorf("somebody else posting gets %d", got)
	}
	stranger := h.browser()
	stranger.get("/admin")
	stranger.shows("Sign in")

	group, err := h.PersonMember(t.Context(), "root")
	ok(t, err)
	_, err = h.RemoveMember(t.Context(), actor, "admins", group)
	ok(t, err)
	if got := admin.get("/admin"); got == http.StatusOK {
		t.Error("an administrator administers after leaving the group")
	}
}

func TestAdministratorsTurnMFAOnOffAndReset(t *testing.T) {
	h := newHouse(t)
	admin, _ := h.administrator("root")
	ann, exempt := h.add("ann"), h.add("breakglass")
	state := func(id string) policy.MFAState {
		holder, err := h.store.HolderByID(t.Context(), id)
		ok(t, err)
		mfa, _ := h.MFA(holder)
		return mfa
	}
	admin.post("/admin/people/"+ann+"/mfa", "to", "on")
	admin.shows("Done.")
	if got := state(ann); got != policy.MFAEnabled {
		t.Errorf("after turning it on MFA is %s", got)
	}
	h.browser().enrol("ann")
	if got := state(ann); got != policy.MFAEnforced {
		t.Errorf("after enrolling MFA is %s", got)
	}
	admin.post("/admin/people/"+ann+"/mfa", "to", "reset")
	if got := state(ann); got != policy.MFAEnabled {
		t.Errorf("after a reset MFA is %s", got)
	}
	admin.post("/admin/people/"+ann+"/mfa", "to", "off")
	if got := state(ann); got != policy.MFAOff {
		t.Errorf("after turning it off MFA is %s", got)
	}
	if got := admin.post("/admin/people/"+exempt+"/mfa", "to", "on"); got != http.StatusUnprocessableEntity {
		t.Errorf("turning it on for an exempt account answers %d", got)
	}
	admin.shows("never asked for MFA")
	if got := admin.post("/admin/people/"+ann+"/mfa", "to", "nonsense"); got != http.StatusUnprocessableEntity || state(ann) != policy.MFAOff {
		t.Errorf("a choice that is none answers %d and leaves MFA %s", got, state(ann))
	}
	list, err := h.store.Events(t.Context(), directory.EventFilter{AccountID: ann, Kinds: []directory.EventKind{directory.EventMFAOn}})
	ok(t, err)
	if len(list) != 1 || list[0].Actor != "portal:root" {
		t.Errorf("the events are %+v", list)
	}
}

func TestAdministratorsTurnMFAOnForManyAndForAGroup(t *testing.T) {
	h := newHouse(t)
	admin, _ := h.administrator("root")
	h.group("staff")
	h.group("office")
	ids := []string{h.add("ann", "staff"), h.add("bob"), h.add("eve"), h.add("breakglass")}
	inner, err := h.GroupMember(t.Context(), "office")
	ok(t, err)
	_, err = h.AddMember(t.Context(), actor, "staff", inner)
	ok(t, err)
	bob, err := h.PersonMember(t.Context(), "bob")
	ok(t, err)
	_, err = h.AddMember(t.Context(), actor, "office", bob)
	ok(t, err)
	demanded := func() (logins string) {
		for _, id := range ids {
			holder, err := h.store.HolderByID(t.Context(), id)
			ok(t, err)
			if holder.MFADemanded {
				logins += holder.Account.Login + " "
			}
		}
		return logins
	}
	admin.post("/admin/people/mfa", "to", "on", "id", ids[2], "id", ids[3])
	admin.shows("1 account was changed.")
	admin.shows("breakglass")
	if got := demanded(); got != "eve " {
		t.Errorf("MFA is demanded of %s", got)
	}
	admin.post("/admin/groups/mfa", "to", "on", "group", "staff")
	admin.shows("2 accounts were changed.")
	if got := demanded(); got != "ann bob eve " {
		t.Errorf("MFA is demanded of %s", got)
	}
	if got := admin.post("/admin/groups/mfa", "to", "on", "group", "nobody"); got != http.StatusUnprocessableEntity {
		t.Errorf("a group that is none answers %d", got)
	}
}

func TestAdministratorsRevokeAndNeverRead(t *testing.T) {
	h := newHouse(t)
	admin, _ := h.administrator("root")
	ann := h.add("ann")
	issued, err := h.Issue(t.Context(), actor, ann, account.Request{Label: "Phone of Ann"})
	ok(t, err)
	other, err := h.Issue(t.Context(), actor, ann, account.Request{Label: "Printer"})
	ok(t, err)
	admin.get("/admin/people/" + ann)
	admin.shows("Phone of Ann")
	if strings.Contains(admin.page, issued.Secret.Reveal()) {
		t.Error("the page holds the app password")
	}
	admin.post("/admin/people/"+ann+"/app-passwords/revoke", "credential", issued.AppPassword.ID)
	live := func() (n int) {
		list, err := h.AppPasswords(t.Context(), ann)
		ok(t, err)
		for _, a := range list {
			if h.State(a) == directory.AppPasswordLive {
				n++
			}
		}
		return n
	}
	if live() != 1 {
		t.Errorf("%d app passwords work after one was revoked", live())
	}
	admin.post("/admin/people/" + ann + "/app-passwords/revoke")
	if live() != 0 {
		t.Errorf("%s works after all were revoked", other.AppPassword.Label)
	}
}

func TestAdministratorsDisableOthersAndNotThemselves(t *testing.T) {
	h := newHouse(t)
	admin, _ := h.administrator("root")
	ann := h.add("ann")
	ok(t, h.MFAOn(t.Context(), actor, ann))
	member := h.browser()
	member.enrol("ann")
	admin.post("/admin/people/"+ann+"/enabled", "to", "off")
	member.get("/home")
	member.shows("Sign in")
	admin.post("/admin/people/"+ann+"/enabled", "to", "on")
	holder, err := h.Find(t.Context(), "root")
	ok(t, err)
	if got := admin.post("/admin/people/"+holder.Account.ID+"/enabled", "to", "off"); got != http.StatusUnprocessableEntity {
		t.Errorf("disabling oneself answers %d", got)
	}
	if got := admin.get("/admin"); got != http.StatusOK {
		t.Errorf("then administration answers %d", got)
	}
}

// The code is shown once and lets the person enrol from elsewhere.
func TestAnEnrolCodeOpensTheSetUpFromElsewhere(t *testing.T) {
	h := newHouse(t)
	admin, _ := h.administrator("root")
	ann := h.add("ann")
	ok(t, h.MFAOn(t.Context(), actor, ann))
	admin.post("/admin/people/" + ann + "/enrol-code")
	shown := regexp.MustCompile(`(?s)id="enrol-code"[^>]*>(.*?)</output>`).FindStringSubmatch(admin.page)
	if shown == nil {
		t.Fatal("no code is shown")
	}
	code := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(shown[1], "")
	admin.get("/admin/people/" + ann)
	if strings.Contains(admin.page, code) {
		t.Error("the code is shown twice")
	}
	h.from = "203.0.113.9:4000"
	member := h.browser()
	member.post("/signin", "login", "ann", "password", primary)
	member.get("/setup/app")
	member.shows("A code from your administrator")
	member.post("/setup/code", "code", "0000-0000-0000-0000")
	member.shows("not valid")
	member.post("/setup/code", "code", code)
	member.get("/setup/app")
	member.shows("Scan this code")
	again := h.browser()
	again.post("/signin", "login", "ann", "password", primary)
	again.post("/setup/code", "code", code)
	again.shows("not valid")
}

// Ten minutes after the second factor was shown a change asks for it again, and
// changes nothing.
func TestAdministrationAsksForAFreshSecondFactor(t *testing.T) {
	h := newHouse(t)
	admin, seed := h.administrator("root")
	ann := h.add("ann")
	h.at = h.at.Add(11 * time.Minute)
	if got := admin.get("/admin/people/" + ann); got != http.StatusOK {
		t.Errorf("reading answers %d", got)
	}
	change := []string{"to", "on", "from", "/admin/people/" + ann}
	admin.post("/admin/people/"+ann+"/mfa", change...)
	admin.shows("Confirm that it is you")
	holder, err := h.store.HolderByID(t.Context(), ann)
	ok(t, err)
	if holder.MFADemanded {
		t.Error("the change was made all the same")
	}
	admin.post("/confirm", "next", "/admin/people/"+ann, "code", admin.code(seed))
	admin.post("/admin/people/"+ann+"/mfa", change...)
	if holder, err = h.store.HolderByID(t.Context(), ann); err != nil || !holder.MFADemanded {
		t.Errorf("after confirming the change was not made (%v)", err)
	}
}

// A page of the list asks three questions at most and reads what it shows, and
// walking from page to page shows everybody once.
func TestListingPeopleCostsWhatItShows(t *testing.T) {
	h := newHouse(t)
	admin, _ := h.administrator("zz-root")
	var im policy.Import
	const many = 400
	for i := range many {
		id, err := directory.NewID(&ids{n: byte(i), m: byte(i >> 8)})
		ok(t, err)
		im.Add = append(im.Add, policy.Holder{Account: directory.Account{
			ID: id, Login: fmt.Sprintf("user%04d", i), Name: fmt.Sprintf("User Number %d", i), Mail: fmt.Sprintf("user%d@example.org", i),
			CreatedAt: h.at, ModifiedAt: h.at,
		}})
	}
	ok(t, h.store.ImportAccounts(t.Context(), im, directory.Event{ID: "import", At: h.at, LastAt: h.at, Count: 1, Kind: directory.EventAccountsImported}))
	for _, search := range []string{"", "user", "User Number 12", "user7@", "nobody"} {
		path, seen := "/admin?search="+strings.ReplaceAll(search, " ", "+"), map[string]int{}
		for path != "" {
			h.people.queries, h.people.rows = 0, 0
			if got := admin.get(path); got != http.StatusOK {
				t.Fatalf("%s answers %d", path, got)
			}
			if h.people.queries > 3 || h.people.rows > 3*51 {
				t.Errorf("%s costs %d queries and %d rows", path, h.people.queries, h.people.rows)
			}
			for _, m := range regexp.MustCompile(`/admin/people/([-0-9a-f]{36})"`).FindAllStringSubmatch(admin.page, -1) {
				seen[m[1]]++
			}
			path = nextPage(admin.page)
		}
		want := map[string]int{"": many + 1, "user": many, "User Number 12": 11, "user7@": 1, "nobody": 0}[search]
		if len(seen) != want {
			t.Errorf("search %q finds %d, want %d", search, len(seen), want)
		}
		for id, times := range seen {
			if times != 1 {
				t.Errorf("search %q shows %s %d times", search, id, times)
			}
		}
	}
}

// nextPage is where the pager's More leads; "" at the end.
func nextPage(page string) string {
	m := regexp.MustCompile(`href="([^"]+)">More<`).FindStringSubmatch(page)
	if m == nil {
		return ""
	}
	return m[1]
}

// ids makes ids that tell i.
type ids struct{ n, m byte }

func (r *ids) Read(b []byte) (int, error) {
	clear(b)
	b[0], b[1] = r.m, r.n
	return len(b), nil
}

func TestEventsAreFoundByPersonAndKind(t *testing.T) {
	h := newHouse(t)
	admin, _ := h.administrator("root")
	ann := h.add("ann")
	ok(t, h.SetPassword(t.Context(), actor, ann, secret.NewText("another long password"), false))
	h.add("bob")
	admin.get("/admin/events?login=ann&kind=changes")
	admin.shows("cli:root")
	if strings.Contains(admin.page, ">bob<") {
		t.Error("the events of ann hold bob's")
	}
	admin.get("/admin/events?kind=sign-ins")
	admin.shows("Nothing of that kind")
	admin.get("/admin/events?login=nobody")
	admin.shows("There is nobody of that name")
}

// recorded keeps what the engine records, in the database.
type recorded struct{ h *house }

func (r recorded) Used(policy.Use) {}

func (r recorded) Record(ev directory.Event) {
	id, err := directory.NewID(rand.Reader)
	ok(r.h.t, err)
	ev.ID = id
	ok(r.h.t, r.h.store.AppendEvents(r.h.t.Context(), []directory.Event{ev}))
}

func TestMainPasswordsAtLegacyClientsAreReported(t *testing.T) {
	h := newHouse(t)
	admin, _ := h.administrator("root")
	ann := h.add("ann")
	legacy := policy.NewEngine(policy.EngineConfig{
		Records: h.store, Keys: h.Keys, Verifier: h.hasher, Recorder: recorded{h}, Now: func() time.Time { return h.at },
	})
	legacy.SetRules(&h.settings.Rules)
	attempt := policy.Attempt{
		At: h.at, Login: "ann", Secret: secret.NewText(primary),
		Client: policy.Client{Protocol: policy.RADIUS, Name: "vpn", Method: "pap"}, Remote: netip.MustParseAddrPort("192.0.2.7:1812"),
	}
	if d := legacy.Authenticate(t.Context(), attempt); d.Outcome != policy.Accept {
		t.Fatalf("without MFA the main password is %s", d.Outcome)
	}
	admin.get("/admin/legacy")
	admin.shows("192.0.2.7")
	admin.shows("Would be refused")
	admin.shows("/admin/people/" + ann)
	if strings.Contains(admin.page, "has an app password for it") {
		t.Error("an app password is reported that is not there")
	}
	_, err := h.Issue(t.Context(), actor, ann, account.Request{Label: "VPN", Services: []string{"vpn"}})
	ok(t, err)
	admin.get("/admin/legacy")
	admin.shows("has an app password for it")
	admin.get("/admin/legacy?from=50")
	admin.shows("Nothing has sent a main password.")
}
