package main

import (
	"cmp"
	"slices"
	"strings"
	"testing"
)

// A room is a top-level folder with all that stands beneath it. mayImport lists
// the rooms that its code may reach, by whatever way; mustNotReach lists
// packages of others, with all beneath them. Tests are free.
type room struct {
	name         string
	mayImport    string
	mustNotReach string
	why          string
}

// rooms is the direction of the house: all arrows point at policy, and from
// there at the nouns and the secrets. A room that is not listed may not exist.
var rooms = []room{
	{"directory", "", "net net/http database/sql",
		"the nouns are a leaf: whoever holds an account must not need a network or a database for it"},
	{"secret", "", "net net/http database/sql",
		"secrets are arithmetic and one key file: what cannot reach a socket cannot leak to one"},
	{"config", "", "net/http database/sql",
		"the file describes; who runs by it is wired in cmd, so a key can be renamed in two places"},
	{"policy", "directory secret", "net net/http database/sql",
		"the rules know no protocol, page or table: that is why they hold on all of them"},
	{"account", "policy directory secret", "net net/http database/sql",
		"what people do to accounts is the same from a page and from a shell, and knows neither"},
	{"store", "policy directory secret", "net/http",
		"the storage keeps what it is told; it decides nothing and serves nobody"},
	{"ldapsrv", "policy directory secret", "net/http database/sql",
		"a protocol turns bytes into attempts and decisions into bytes: with no storage, configuration or sister protocol at hand it has no rules of its own"},
	{"radiussrv", "policy directory secret", "net/http database/sql",
		"a protocol turns bytes into attempts and decisions into bytes: with no storage, configuration or sister protocol at hand it has no rules of its own"},
	{"portal", "account policy directory secret", "database/sql",
		"a page asks account to act and policy to decide: it neither stores nor speaks LDAP"},
	{"mail", "policy directory secret", "database/sql",
		"a notice tells what the record holds: it changes nothing, and the secret it could leak never reaches it"},
	{"cmd", "account config directory ldapsrv mail policy portal radiussrv secret store .", "",
		"the one place that knows everybody"},
	{"bench", "account config directory ldapsrv mail policy portal radiussrv secret store .", "",
		"a driver may stand anywhere; nothing stands on a driver"},
	{".", "", "net net/http database/sql",
		"the root carries the shipped config.toml and nothing else"},
}

// keepers says which rooms alone may name a package of others, so that its
// types stay behind one door and it can be exchanged there. No room: tests only.
var keepers = []struct{ pkg, rooms, why string }{
	{"github.com/mattn/go-sqlite3", "store", "the engine is a detail of the storage"},
	{"database/sql", "store bench", "SQL is written in one place"},
	{"github.com/BurntSushi/toml", "config", "the file's format is a detail of the configuration"},
	{"github.com/wneessen/go-mail", "mail", "SMTP is a detail of how notices travel"},
	{"github.com/go-webauthn/webauthn/webauthn", "portal", "what a passkey signs is checked in one place"},
	{"layeh.com/radius", "radiussrv bench", "the codec's types end at the decoded packet"},
	{"layeh.com/radius/debug", "", "it prints packets, and packets hold passwords"},
	{"github.com/jimlambrt/gldap", "", "its server cannot face a network: docs/decisions/0001"},
	{"github.com/go-asn1-ber/asn1-ber", "", "its reader recurses as deep as a stranger says: docs/decisions/0001"},
	{"github.com/go-ldap/ldap/v3", "bench", "its types carry the reader above; it is a client for tests"},
	{"testing", "store", "test code stays out of the binary; the storage's conformance suite is test code with a name"},
}

func TestArrowsPointOneWay(t *testing.T) {
	g := loadGraph(t)
	for _, pkg := range g.own() {
		r, ok := roomOf(pkg)
		if !ok {
			t.Errorf("%s stands in a room that the house does not have: list it here with what it may import and why", pkg)
			continue
		}
		for _, found := range violations(g, pkg, r) {
			t.Errorf("%s\n\tmust not be: %s", found, r.why)
		}
	}
}

func TestArrowsToOthersGoThroughTheirKeeper(t *testing.T) {
	g := loadGraph(t)
	for _, k := range keepers {
		for _, pkg := range g.own() {
			r, _ := roomOf(pkg)
			if slices.Contains(g[pkg], k.pkg) && !contains(k.rooms, r.name) {
				t.Errorf("%s imports %s\n\tmust not be: %s", pkg, k.pkg, k.why)
			}
		}
	}
}

// TestArrowsWouldBeSeen shows the checker on a made-up house where every kind
// of rule is broken, once directly and once by a way round.
func TestArrowsWouldBeSeen(t *testing.T) {
	g := graph{
		"postern/policy":      {"postern/directory", "log/slog", "postern/secret"},
		"postern/secret":      {"example.org/kdf"},
		"example.org/kdf":     {"net/http"},
		"net/http":            {"net"},
		"postern/ldapsrv":     {"postern/policy", "postern/ldapsrv/ber"},
		"postern/ldapsrv/ber": {"postern/store"},
		"postern/store":       {"postern/policy", "database/sql"},
		"postern/directory":   {"netip"},
	}
	for _, c := range []struct {
		pkg, room string
		want      []string
	}{
		{"postern/directory", "directory", nil},
		{"postern/secret", "secret", []string{
			"postern/secret → example.org/kdf → net/http",
			"postern/secret → example.org/kdf → net/http → net",
		}},
		{"postern/policy", "policy", []string{
			"postern/policy → postern/secret → example.org/kdf → net/http",
			"postern/policy → postern/secret → example.org/kdf → net/http → net",
		}},
		{"postern/ldapsrv", "ldapsrv", []string{
			"postern/ldapsrv → postern/policy → postern/secret → example.org/kdf → net/http",
			"postern/ldapsrv → postern/ldapsrv/ber → postern/store",
			"postern/ldapsrv → postern/ldapsrv/ber → postern/store → database/sql",
		}},
	} {
		r, ok := roomOf(c.pkg)
		if !ok || r.name != c.room {
			t.Errorf("%s stands in %q, want %q", c.pkg, r.name, c.room)
		}
		got, want := violations(g, c.pkg, r), slices.Clone(c.want)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: found\n\t%s\nwant\n\t%s", c.pkg, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
	}
	if r, ok := roomOf("postern/util"); ok {
		t.Errorf("postern/util stands in %q, and should be nowhere", r.name)
	}
}

// violations lists, for every package that pkg may not reach and does, the
// shortest way there.
func violations(g graph, pkg string, r room) []string {
	var found []string
	for reached, way := range g.ways(pkg) {
		if forbidden(r, reached) {
			found = append(found, strings.Join(way, " → "))
		}
	}
	slices.SortFunc(found, cmp.Compare)
	return found
}

// forbidden says whether code of r may not reach pkg.
func forbidden(r room, pkg string) bool {
	if !isOwn(pkg) {
		return contains(r.mustNotReach, pkg)
	}
	to, ok := roomOf(pkg)
	return !ok || to.name != r.name && !contains(r.mayImport, to.name)
}

// roomOf finds the room that a package of ours stands in.
func roomOf(pkg string) (room, bool) {
	name := "."
	if rest, ok := strings.CutPrefix(pkg, module+"/"); ok {
		name, _, _ = strings.Cut(rest, "/")
	}
	i := slices.IndexFunc(rooms, func(r room) bool { return r.name == name })
	if i < 0 {
		return room{}, false
	}
	return rooms[i], true
}

// contains says whether the space-separated words hold word.
func contains(words, word string) bool { return slices.Contains(strings.Fields(words), word) }
