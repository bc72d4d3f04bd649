package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"postern/account"
	"postern/directory"
	"postern/policy"
)

// People lists people for administrators.
type People interface {
	// People returns one batch in the order of an index, groups included. It
	// reads no more rows than it returns.
	People(ctx context.Context, q directory.PeopleQuery) ([]policy.Holder, error)
	// Groups returns one batch of groups in id order.
	Groups(ctx context.Context, q directory.Query) ([]directory.Group, error)
}

// administration adds the administrators' pages. Reading takes a complete
// sign-in with a second factor, changing one that is fresh.
func (p *Portal) administration(mux *http.ServeMux) {
	read := func(pattern string, h pageFunc) { mux.HandleFunc(pattern, p.administering(h)) }
	change := func(pattern string, h pageFunc) { mux.HandleFunc(pattern, p.administering(p.freshly(h))) }
	read("GET /admin", p.adminPeople)
	read("GET /admin/people/{id}", p.adminPerson)
	change("POST /admin/people/mfa", p.adminMFAMany)
	change("POST /admin/people/{id}/mfa", p.adminMFA)
	change("POST /admin/people/{id}/enabled", p.adminEnable)
	change("POST /admin/people/{id}/enrol-code", p.adminEnrolCode)
	change("POST /admin/people/{id}/app-passwords/revoke", p.adminRevoke)
	read("GET /admin/groups", p.adminGroups)
	change("POST /admin/groups/mfa", p.adminMFAGroup)
	read("GET /admin/legacy", p.adminLegacy)
	read("GET /admin/events", p.adminEvents)
	read("GET /admin/installation", p.adminInstallation)
}

// freshly has what the account asks for shown again first where that was long
// ago. It stands behind administering, which answers those it is not for.
func (p *Portal) freshly(h pageFunc) pageFunc {
	return func(w http.ResponseWriter, r *http.Request, v *visitor) {
		if !v.proven(p.Now()) {
			p.toConfirm(w, r)
			return
		}
		h(w, r, v)
	}
}

// adminRows is how many rows a page of administration shows.
const adminRows = 50

// person is one row of the list.
type person struct {
	directory.Account
	MFA    policy.MFAState
	Group  string // of mfa_groups, which demands it; "" for none
	Exempt bool
	Status string // key of the chip's words; "" for an account like any other
}

type peopleView struct {
	Search  string
	People  []person
	First   string
	Next    string
	Problem string
}

func (peopleView) frame() (title, nav, width string) { return "admin.people", "admin", "wide" }

// adminPeople lists people by login; with a search, those whose login, then
// those whose name, then those whose mail address begins with it.
func (p *Portal) adminPeople(w http.ResponseWriter, r *http.Request, _ *visitor) {
	q := r.URL.Query()
	view := peopleView{Search: clip(strings.TrimSpace(q.Get("search")), 100)}
	at, ok := readPlace(q)
	if !ok {
		http.Redirect(w, r, "/admin", http.StatusSeeOther)
		return
	}
	found, next, err := p.search(r.Context(), view.Search, at)
	if err != nil {
		p.failed(w, r, err)
		return
	}
	for _, h := range found {
		view.People = append(view.People, p.person(h))
	}
	if at != (place{}) {
		view.First = "/admin?" + url.Values{"search": {view.Search}}.Encode()
	}
	if next != nil {
		view.Next = "/admin?" + next.query(view.Search)
	}
	p.show(w, r, http.StatusOK, "adminpeople", view)
}

func (p *Portal) person(h policy.Holder) person {
	row := person{Account: h.Account, Exempt: p.Accounts.Settings().Rules.Exempts(h.Account)}
	row.MFA, row.Group = p.Accounts.MFA(h)
	switch {
	case h.Account.Disabled:
		row.Status = "admin.disabled"
	case h.Account.Expired(p.Now()):
		row.Status = "admin.expired"
	}
	return row
}

// place is where a list of people goes on: which of the orders, and behind
// whom in it. The zero place is the beginning.
type place struct {
	order   directory.PeopleOrder
	key, id string
}

func readPlace(q url.Values) (place, bool) {
	at := place{key: q.Get("key"), id: q.Get("id")}
	switch q.Get("by") {
	case "", "login":
	case "name":
		at.order = directory.ByName
	case "mail":
		at.order = directory.ByMail
	default:
		return at, false
	}
	return at, len(at.key) <= 1000 && len(at.id) <= 36
}

func (at place) query(search string) string {
	by := [...]string{"login", "name", "mail"}[at.order]
	return url.Values{"search": {search}, "by": {by}, "key": {at.key}, "id": {at.id}}.Encode()
}

// search returns one page from at on, and where the next one begins; nil where
// there is none. It asks at most once per order.
func (p *Portal) search(ctx context.Context, search string, at place) (found []policy.Holder, next *place, err error) {
	prefix := directory.FoldText(search)
	for {
		room := adminRows - len(found)
		batch, err := p.Directory.People(ctx, directory.PeopleQuery{
			Order: at.order, Prefix: prefix, AfterKey: at.key, AfterID: at.id, Limit: room + 1,
		})
		if err != nil {
			return nil, nil, err
		}
		for _, h := range batch[:min(room, len(batch))] {
			at.key, at.id = orderKey(at.order, h.Account), h.Account.ID
			if !foundBefore(h.Account, at.order, prefix) {
				found = append(found, h)
			}
		}
		if len(batch) > room {
			return found, &at, nil // where some were listed before, the page is shorter
		}
		if prefix == "" || at.order == directory.ByMail {
			return found, nil, nil
		}
		if at = (place{order: at.order + 1}); len(found) == adminRows {
			return found, &at, nil
		}
	}
}

// orderKey is the normalised form a person is listed under.
func orderKey(order directory.PeopleOrder, a directory.Account) string {
	switch order {
	case directory.ByName:
		return directory.FoldText(a.Name)
	case directory.ByMail:
		key, _ := directory.NormalizeLogin(a.Mail)
		return key
	}
	key, _ := directory.NormalizeLogin(a.Login)
	return key
}

// foundBefore reports whether an earlier order has listed the person.
func foundBefore(a directory.Account, order directory.PeopleOrder, prefix string) bool {
	for o := directory.ByLogin; o < order; o++ {
		if strings.HasPrefix(orderKey(o, a), prefix) {
			return true
		}
	}
	return false
}

// theirs reads the person that the path names.
func (p *Portal) theirs(w http.ResponseWriter, r *http.Request) (policy.Holder, bool) {
	h, err := p.Accounts.Records.HolderByID(r.Context(), r.PathValue("id"))
	if errors.Is(err, directory.ErrNotFound) || err == nil && h.Account.Kind != directory.Person {
		p.notFound(w, r)
		return h, false
	}
	if err != nil {
		p.failed(w, r, err)
		return h, false
	}
	return h, true
}

type personView struct {
	Person    person
	Groups    []string
	Methods   []policy.Method
	Live      []shown
	Ended     []shown
	Lines     []line
	EnrolCode []string // shown once, after it was made
	Problem   string
}

func (personView) frame() (title, nav, width string) { return "admin.person", "admin", "" }

func (p *Portal) adminPerson(w http.ResponseWriter, r *http.Request, _ *visitor) {
	if h, ok := p.theirs(w, r); ok {
		p.showPerson(w, r, h, http.StatusOK, personView{})
	}
}

// personLines is how many events the page of a person shows.
const personLines = 10

func (p *Portal) showPerson(w http.ResponseWriter, r *http.Request, h policy.Holder, status int, view personView) {
	ctx := r.Context()
	methods, err := p.Accounts.Methods(ctx, h.Account.ID)
	if err != nil {
		p.failed(w, r, err)
		return
	}
	list, err := p.Accounts.AppPasswords(ctx, h.Account.ID)
	if err != nil {
		p.failed(w, r, err)
		return
	}
	events, err := p.Events.Events(ctx, directory.EventFilter{AccountID: h.Account.ID, Limit: personLines})
	if err != nil {
		p.failed(w, r, err)
		return
	}
	view.Person, view.Groups, view.Methods = p.person(h), h.Groups, methods
	view.Live, view.Ended = p.sorted(list)
	labels := labelsOf(list)
	for _, e := range events {
		entry := lineOf(e, p.language(r))
		entry.Label = labels[e.Credential]
		view.Lines = append(view.Lines, entry)
	}
	p.show(w, r, status, "adminperson", view)
}

// sorted parts app passwords into those that work and those that have ended.
func (p *Portal) sorted(list []directory.AppPassword) (live, ended []shown) {
	for _, a := range list {
		state := p.Accounts.State(a)
		s := shown{AppPassword: a, State: state.String(), Live: state == directory.AppPasswordLive, Never: a.LastUsedAt.IsZero()}
		if s.Live {
			live = append(live, s)
		} else {
			ended = append(ended, s)
		}
	}
	return live, ended
}

// applied shows the person again after a change: what was refused, with the
// reason.
func (p *Portal) applied(w http.ResponseWriter, r *http.Request, id string, err error) {
	text, refused := p.refusal(r, err)
	switch {
	case refused:
		if h, ok := p.theirs(w, r); ok {
			p.showPerson(w, r, h, http.StatusUnprocessableEntity, personView{Problem: text})
		}
	case err != nil:
		p.failed(w, r, err)
	default:
		http.Redirect(w, r, "/admin/people/"+id+"?done=changed", http.StatusSeeOther)
	}
}

func (p *Portal) adminMFA(w http.ResponseWriter, r *http.Request, v *visitor) {
	id := r.PathValue("id")
	p.applied(w, r, id, p.setMFA(r.Context(), v.actor(), id, r.PostFormValue("to")))
}

// setMFA turns MFA on or off, or resets it.
func (p *Portal) setMFA(ctx context.Context, actor account.Actor, id, to string) error {
	switch to {
	case "on":
		return p.Accounts.MFAOn(ctx, actor, id)
	case "off":
		return p.Accounts.MFAOff(ctx, actor, id)
	case "reset":
		return p.Accounts.MFAReset(ctx, actor, id)
	}
	return &account.Refusal{Code: "bad_choice", Text: "choose on, off or reset"}
}

func (p *Portal) adminEnable(w http.ResponseWriter, r *http.Request, v *visitor) {
	id := r.PathValue("id")
	if r.PostFormValue("to") == "on" {
		p.applied(w, r, id, p.Accounts.Enable(r.Context(), v.actor(), id))
		return
	}
	if id == v.id() {
		p.applied(w, r, id, &account.Refusal{Code: "own_account", Text: "you cannot disable your own account"})
		return
	}
	p.applied(w, r, id, p.Accounts.Disable(r.Context(), v.actor(), id))
}

// adminEnrolCode makes the one-time code that lets somebody set up the second
// factor from elsewhere, and shows it, once.
func (p *Portal) adminEnrolCode(w http.ResponseWriter, r *http.Request, v *visitor) {
	h, ok := p.theirs(w, r)
	if !ok {
		return
	}
	code, _, err := p.Accounts.EnrolCode(r.Context(), v.actor(), h.Account.ID)
	if err != nil {
		p.applied(w, r, h.Account.ID, err)
		return
	}
	p.showPerson(w, r, h, http.StatusOK, personView{EnrolCode: account.GroupCode(code)})
}

// adminRevoke revokes one app password of a person, or without an id all.
func (p *Portal) adminRevoke(w http.ResponseWriter, r *http.Request, v *visitor) {
	id := r.PathValue("id")
	var err error
	if credential := r.PostFormValue("credential"); credential != "" {
		_, err = p.Accounts.Revoke(r.Context(), v.actor(), id, credential)
	} else {
		_, err = p.Accounts.RevokeAll(r.Context(), v.actor(), id)
	}
	p.applied(w, r, id, err)
}
