package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"postern/ldapsrv/ber"
	"postern/ldapsrv/wire"
)

// aviary hands out canaries: secrets that nobody has elsewhere, one for each
// field, so that one that is found says where it was typed.
type aviary struct{ fields []string }

// in returns the canary of a field. It is of mixed case, and of letters that no
// hexadecimal number, address or check value has.
func (a *aviary) in(field string) string {
	a.fields = append(a.fields, field)
	return canaryOf(len(a.fields) - 1)
}

func canaryOf(n int) string { return fmt.Sprintf("zKanary%03dQuwhxz", n) }

// found returns the fields whose canary stands in text, in clear or in a form
// that needs no key to be undone.
func (a *aviary) found(text []byte) (fields []string) {
	lower := bytes.ToLower(text)
	for n, field := range a.fields {
		for _, form := range formsOf(canaryOf(n)) {
			if bytes.Contains(lower, bytes.ToLower([]byte(form))) {
				fields = append(fields, field)
				break
			}
		}
	}
	return fields
}

// formsOf are the canary as it is, in hexadecimal, as UTF-16 (what NT hashes are
// made of) and in base 64 at each of the three offsets.
func formsOf(canary string) []string {
	var wide strings.Builder
	for _, c := range canary {
		wide.WriteString(string(c) + "\x00")
	}
	forms := []string{canary, hex.EncodeToString([]byte(canary)), wide.String()}
	for offset := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", offset) + canary))
		forms = append(forms, text[4:len(text)-4]) // what does not depend on the neighbours
	}
	return forms
}

func TestCanariesWouldBeFound(t *testing.T) {
	a := &aviary{}
	canary := a.in("somewhere")
	for name, text := range map[string]string{
		"in clear": "login=" + canary + ".", "lower case": strings.ToLower(canary), "hexadecimal": fmt.Sprintf("%X", "a"+canary),
		"base 64": base64.StdEncoding.EncodeToString([]byte("password:" + canary + "!")), "base 64 of a URL": base64.URLEncoding.EncodeToString([]byte("pw" + canary + "??")),
		"UTF-16": formsOf(canary)[2],
	} {
		if len(a.found([]byte(text))) == 0 {
			t.Errorf("a canary %s is not found in %q", name, text)
		}
	}
	if found := a.found([]byte(canaryOf(1))); len(found) > 0 {
		t.Errorf("another canary is taken for it: %v", found)
	}
}

// aviaryConfig lets everything in that a canary can be put into, and says as
// much as it can.
const aviaryConfig = `
[events]
export = "file:exported.jsonl"
`

// TestNoSecretIsLeftAnywhere types canaries into every field of every protocol
// and of the command line, on the real binary, and then reads every file that
// the run left: database, logs, export, whatever there is. What people are told
// must not hold a password either. Names and labels that somebody gives to
// things are kept as given, and are not what this is about.
func TestNoSecretIsLeftAnywhere(t *testing.T) {
	a, dir := &aviary{}, t.TempDir()
	config := strings.NewReplacer(`level = "warn"`, "level = \"debug\"\nformat = \"json\"", `listen_tls = ["127.0.0.1:0"]`, "listen_tls = [\"127.0.0.1:0\"]\ntrusted_relays = [\"127.0.0.1\"]",
		`secret_file = "vpn.secret"`, "secret_file = \"vpn.secret\"\nmethods = [\"pap\", \"chap\"]\ninsecure_mschap = true").Replace(demoConfig)
	rewriteFile(t, filepath.Join(dir, "config.toml"), config+aviaryConfig)
	p := &pen{t: t, a: a, dir: dir}
	p.must("", "init")
	ann := a.in("primary password of ann")
	p.must(ann+"\n", "user", "add", "ann", "--password-stdin")
	p.must("", "user", "mfa", "ann", "on")
	bob := a.in("primary password of bob")
	p.must(bob+"\n", "user", "add", "bob", "--password-stdin")
	server := p.serve()
	p.typeIntoLDAP(ann, bob)
	p.typeIntoRADIUS(ann, bob)
	p.typeIntoPortal(ann, bob)
	p.typeIntoShell()
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("serve ended with %v", err)
	}
	p.must("", "events", "--json")
	p.must("", "report", "legacy", "--json")
	p.search()
}

const fieldPath = "portal path"

// pen is an installation that canaries are let loose in.
type pen struct {
	t     *testing.T
	a     *aviary
	dir   string
	at    map[string]string // listeners
	port  string            // of the portal, which answers to its own name only
	files int
}

// postern runs the binary and keeps what it says in files of the run.
func (p *pen) postern(stdin string, args ...string) error {
	p.t.Helper()
	p.files++
	out, err := os.Create(filepath.Join(p.dir, fmt.Sprintf("command-%02d.out", p.files)))
	if err != nil {
		p.t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.CommandContext(p.t.Context(), "postern", append(args, "--config", filepath.Join(p.dir, "config.toml"))...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), out, out
	return cmd.Run()
}

// must is postern for what has to go well.
func (p *pen) must(stdin string, args ...string) {
	p.t.Helper()
	if err := p.postern(stdin, args...); err != nil {
		p.t.Fatalf("%q: %v", args, err)
	}
}

// try is postern for what may be refused: what it says then is what is looked at.
func (p *pen) try(stdin string, args ...string) { _ = p.postern(stdin, args...) }

// serve runs the server with its log in a file, until it listens everywhere.
func (p *pen) serve() *exec.Cmd {
	p.t.Helper()
	path := filepath.Join(p.dir, "serve.log")
	log, err := os.Create(path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.CommandContext(p.t.Context(), "postern", "serve", "--config", filepath.Join(p.dir, "config.toml"))
	cmd.Stdout, cmd.Stderr, cmd.Env = log, log, append(os.Environ(), "GORACE="+promptly)
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	listening := regexp.MustCompile(`"msg":"listening","for":"([a-z._]+)","address":"([^"]+)"`)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		text, _ := os.ReadFile(path)
		p.at = map[string]string{}
		for _, m := range listening.FindAllStringSubmatch(string(text), -1) {
			p.at[m[1]] = m[2]
		}
		if len(p.at) == 4 {
			_, p.port, _ = net.SplitHostPort(p.at["portal.listen"])
			return cmd
		}
	}
	text, _ := os.ReadFile(path)
	p.t.Fatalf("the server listens at %v:\n%s", p.at, text)
	return nil
}

// ldap sends one operation over a connection of its own, after a bind where
// there is one, and reads until there is an answer to each or the connection
// ends.
func (p *pen) ldap(operations ...[]byte) {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.at["ldap.listen"])
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		p.t.Fatal(err)
	}
	for i, op := range operations {
		b, message := ber.Begin(nil, ber.Sequence)
		b = ber.AppendInt(b, ber.Integer, int32(i+1))
		if _, err := conn.Write(ber.End(append(b, op...), message)); err != nil {
			return // it was refused before
		}
		answer := make([]byte, 64<<10)
		if _, err := conn.Read(answer); err != nil {
			return
		}
	}
}

// ldapOp is an operation whose body holds strings.
func ldapOp(tag ber.Tag, body func(b []byte) []byte) []byte {
	b, mark := ber.Begin(nil, tag)
	return ber.End(body(b), mark)
}

func text(b []byte, values ...string) []byte {
	for _, v := range values {
		b = ber.AppendString(b, ber.OctetString, v)
	}
	return b
}

// bindOp is a bind with a password, or where method is not empty by SASL.
func bindOp(name, method, credential string) []byte {
	return ldapOp(wire.OpBind, func(b []byte) []byte {
		b = text(ber.AppendInt(b, ber.Integer, 3), name)
		if method == "" {
			return ber.AppendString(b, ber.Context(0), credential)
		}
		b, sasl := ber.Begin(b, ber.ContextConstructed(3))
		return ber.End(text(b, method, credential), sasl)
	})
}

func dnOf(login string) string { return "uid=" + login + ",ou=people,dc=example,dc=org" }

func (p *pen) typeIntoLDAP(ann, bob string) {
	in := p.a.in
	signedIn := bindOp(dnOf("bob"), "", bob)
	extended := func(name, value string) []byte {
		return ldapOp(wire.OpExtended, func(b []byte) []byte {
			b = ber.AppendString(b, ber.Context(0), name)
			return ber.AppendString(b, ber.Context(1), value)
		})
	}
	passwords := func(user, old, replacement string) []byte {
		b, mark := ber.Begin(nil, ber.Sequence)
		for i, v := range []string{user, old, replacement} {
			b = ber.AppendString(b, ber.Context(byte(i)), v)
		}
		return extended(wire.OIDPasswordModify, string(ber.End(b, mark)))
	}
	compare := func(dn, attribute, value string) []byte {
		return ldapOp(wire.OpCompare, func(b []byte) []byte {
			b, ava := ber.Begin(text(b, dn), ber.Sequence)
			return ber.End(text(b, attribute, value), ava)
		})
	}
	search := func(base, attribute, value string) []byte {
		return ldapOp(wire.OpSearch, func(b []byte) []byte {
			b = ber.AppendInt(text(b, base), ber.Enumerated, 2)
			b = ber.AppendInt(b, ber.Enumerated, 0)
			b = ber.AppendInt(ber.AppendInt(b, ber.Integer, 0), ber.Integer, 0)
			b = ber.AppendBool(b, ber.Boolean, false)
			b, filter := ber.Begin(b, ber.ContextConstructed(3))
			b = ber.End(text(b, attribute, value), filter)
			b, list := ber.Begin(b, ber.Sequence)
			return ber.End(text(b, value), list)
		})
	}
	modify := func(tag ber.Tag, dn, attribute, value string) []byte {
		return ldapOp(tag, func(b []byte) []byte { return text(b, dn, attribute, value) })
	}
	p.ldap(bindOp(dnOf("ann"), "", ann))
	for _, login := range []string{"ann", "nobody"} {
		for range 12 { // into the brakes
			p.ldap(bindOp(dnOf(login), "", in("LDAP password of "+login)))
		}
	}
	p.ldap(bindOp(dnOf(in("LDAP login")), "", in("LDAP password of an unknown login")))
	p.ldap(bindOp(in("LDAP name that is no DN"), "", in("LDAP password beside no DN")))
	p.ldap(bindOp("cn="+in("LDAP service account")+",ou=system,dc=example,dc=org", "", in("LDAP password of a service account")))
	p.ldap(bindOp("uid=ann,ou=people,app="+in("LDAP application base")+",dc=example,dc=org", "", in("LDAP password below an application")))
	p.ldap(bindOp("", "PLAIN", in("SASL authzid")+"\x00"+in("SASL authcid")+"\x00"+in("SASL password")))
	p.ldap(bindOp("", "PLAIN", in("SASL credential that is none")))
	p.ldap(bindOp("", in("SASL mechanism"), in("SASL credential of no mechanism")))
	p.ldap(signedIn, compare(dnOf("ann"), "userPassword", in("Compare value")))
	p.ldap(signedIn, compare(in("Compare name"), in("Compare attribute"), in("Compare value of nothing")))
	p.ldap(signedIn, search("dc=example,dc=org", "uid", in("search filter and attribute")))
	p.ldap(signedIn, search(in("search base"), in("search filter's attribute"), in("search of nothing")))
	p.ldap(signedIn, passwords("", in("old password over LDAP"), in("new password over LDAP")))
	p.ldap(signedIn, passwords(in("name of a password change"), in("old password of another"), in("new password of another")))
	p.ldap(extended(in("extended operation"), in("extended value")))
	for _, tag := range []ber.Tag{wire.OpModify, wire.OpAdd, wire.OpModifyDN} {
		p.ldap(signedIn, modify(tag, in("name of a change"), in("attribute of a change"), in("value of a change")))
	}
	p.ldap([]byte(in("bytes that are no message")))
}

// radius sends a request with these attributes and, where the server answers,
// reads the answer.
func (p *pen) radius(password string, attributes map[byte]string) {
	p.t.Helper()
	shared, err := os.ReadFile(filepath.Join(p.dir, "vpn.secret"))
	if err != nil {
		p.t.Fatal(err)
	}
	r := &papRequest{shared: strings.TrimSpace(string(shared)), password: password}
	p.files++
	binary.BigEndian.PutUint64(r.authenticator[:], uint64(p.files)) // no two alike
	b := make([]byte, radiusHeader, 4096)
	b[0], b[1] = accessRequest, byte(p.files)
	copy(b[authenticatorAt:], r.authenticator[:])
	b = appendAttribute(b, attrSignature, make([]byte, md5.Size))
	if password != "" {
		b = appendAttribute(b, attrPassword, r.hiddenPassword())
	}
	for kind, value := range attributes {
		b = appendAttribute(b, kind, []byte(value))
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	copy(b[radiusHeader+2:], r.sign(b))
	conn, err := net.Dial("udp", p.at["radius.listen"])
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		p.t.Fatal(err)
	}
	if _, err := conn.Write(b); err != nil {
		p.t.Fatal(err)
	}
	_, _ = conn.Read(make([]byte, 4096)) // a request that is malformed has no answer
}

func (p *pen) typeIntoRADIUS(ann, bob string) {
	in := p.a.in
	every := func(login string) map[byte]string {
		attributes := map[byte]string{attrUserName: login}
		// NAS-Identifier, Calling- and Called-Station-Id, Proxy-State, Filter-Id,
		// Callback-Number, Login-LAT-Service, Reply-Message, NAS-Port-Id,
		// Connect-Info, a vendor's own (RFC 2865 §5, RFC 2869 §5).
		for _, kind := range []byte{32, 31, 30, 33, 11, 19, 34, 18, 87, 77} {
			attributes[kind] = in(fmt.Sprintf("RADIUS attribute %d", kind))
		}
		attributes[26] = "\x00\x00\x01\x37\x0b" + string(rune(2+len(canaryOf(0)))) + in("RADIUS vendor attribute")
		return attributes
	}
	for _, login := range []string{"ann", "bob", "nobody"} {
		p.radius(in("RADIUS password of "+login), every(login))
	}
	p.radius(ann, every("ann"))
	p.radius(bob, every("bob"))
	p.radius(in("RADIUS password of an unknown login"), every(in("RADIUS login")))
	chap := every("ann")
	chap[3], chap[60] = "\x01"+in("CHAP response"), in("CHAP challenge")
	p.radius("", chap)
	eap := every(in("RADIUS login beside EAP"))
	identity := in("EAP identity")
	eap[79] = string([]byte{2, 1, 0, byte(5 + len(identity)), 1}) + identity
	p.radius("", eap)
	bare := map[byte]string{attrUserName: in("RADIUS login alone")}
	p.radius("", bare)
}

// browser keeps cookies and goes where it is sent.
func (p *pen) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: patience}
}

// page asks for a page and keeps what it shows among the files of the run,
// where it must not repeat a password.
func (p *pen) page(c *http.Client, method, path string, form url.Values) (at string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://localhost:"+p.port+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, field := range map[string]string{"Authorization": "Basic ", "Referer": "http://localhost/", "X-Forwarded-For": ""} {
		r.Header.Set(name, field+p.a.in("header "+name))
	}
	answer, err := c.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	shown, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	p.files++
	rewriteFile(p.t, filepath.Join(p.dir, fmt.Sprintf("page-%02d.html", p.files)), string(shown))
	return fmt.Sprint(answer.StatusCode, " ", answer.Request.URL.Path)
}

func (p *pen) typeIntoPortal(ann, bob string) {
	in := p.a.in
	form := func(fields ...string) url.Values {
		v := url.Values{}
		for i := 0; i < len(fields); i += 2 {
			v.Set(fields[i], fields[i+1])
		}
		return v
	}
	nobody, half, whole := p.browser(), p.browser(), p.browser()
	p.page(nobody, http.MethodPost, "/signin", form("login", in("portal login"), "password", in("portal password")))
	p.page(nobody, http.MethodPost, "/signin", form("login", "ann", "password", in("portal password of ann")))
	p.page(nobody, http.MethodPost, "/signin/code", form("code", in("portal code of nobody")))
	p.page(nobody, http.MethodGet, "/"+in(fieldPath), nil)
	p.page(nobody, http.MethodGet, "/static/"+in("portal file"), nil)
	p.try("", "unlock", "ann")
	if at := p.page(half, http.MethodPost, "/signin", form("login", "ann", "password", ann)); !strings.HasPrefix(at, "200 /setup") && at != "200 /home" {
		p.t.Errorf("ann's sign-in ends at %s", at)
	}
	for _, path := range []string{"/signin/code", "/setup/code", "/setup/app", "/confirm"} {
		p.page(half, http.MethodPost, path, form("code", in("code at "+path), "password", in("password at "+path), "token", in("token at "+path)))
	}
	if at := p.page(whole, http.MethodPost, "/signin", form("login", "bob", "password", bob)); at != "200 /home" {
		p.t.Errorf("bob's sign-in ends at %s", at)
	}
	p.page(whole, http.MethodPost, "/confirm", form("password", in("password of a confirmation")))
	p.page(whole, http.MethodPost, "/security/password", form("old", in("old password at the portal"), "current", in("current password at the portal"),
		"password", in("new password at the portal"), "new", in("new password, other field"), "again", in("new password again"), "repeat", in("new password repeated")))
	p.page(whole, http.MethodGet, "/home", nil)
	p.page(whole, http.MethodGet, "/activity", nil)
}

func (p *pen) typeIntoShell() {
	in := p.a.in
	p.try(in("password of a new account")+"\n", "user", "add", "carol", "--password-stdin")
	p.try(in("password that is changed")+"\n", "user", "password", "carol", "--password-stdin")
	p.try(in("password of nobody")+"\n", "user", "password", "nobody", "--password-stdin")
	p.try(strings.Repeat(in("password that is too long"), 1000)+"\n", "user", "password", "carol", "--password-stdin")
	p.try(in("second line")+"\n"+in("another line")+"\n", "user", "password", "carol", "--password-stdin")
	p.try("", "events", "--login", "nobody")
	p.try("", "explain", "ann")
	p.try("", "unlock", "ann")
	p.try("", "app-password", "list", "ann")
}

// search reads every file of the run.
func (p *pen) search() {
	p.t.Helper()
	read := 0
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read += len(text)
		for _, field := range p.a.found(text) {
			if field == fieldPath && strings.HasPrefix(filepath.Base(path), "page-") {
				continue // a page may say which page it is
			}
			p.t.Errorf("%s holds what was typed as %s%s", filepath.Base(path), field, quoted(text, p.a, field))
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.met("serve.log", `"reason":"wrong_secret"`, `"reason":"braked"`, `"reason":"unknown_account"`, `"reason":"primary_with_mfa"`, `"reason":"enrolment_needed"`,
		`"protocol":"ldap","method":"simple"`, `"protocol":"radius","method":"pap"`, `"protocol":"radius","method":"chap"`, `"protocol":"portal"`,
		`"outcome":"accept","reason":"primary","login":"bob","service":"mail"`, `"outcome":"accept","reason":"primary","login":"bob","service":"vpn"`)
	p.met("exported.jsonl", `"action":"sign_in"`, `"reason":"braked"`)
	p.met("data/postern.db", "sign_in", "braked")
	if len(p.a.fields) < 100 || read < 100_000 {
		p.t.Errorf("only %d fields and %d bytes were looked at", len(p.a.fields), read)
	}
}

// met looks for what shows that the canaries came as far as they should.
func (p *pen) met(file string, words ...string) {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, file))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, word := range words {
		if !bytes.Contains(text, []byte(word)) {
			p.t.Errorf("%s does not hold %s: nothing was looked at there", file, word)
		}
	}
}

// quoted is the line of a text that holds the canary of a field in clear.
func quoted(text []byte, a *aviary, field string) string {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		for n, f := range a.fields {
			if f == field && bytes.Contains(lines.Bytes(), []byte(canaryOf(n))) {
				return fmt.Sprintf(":\n\t%.300q", lines.Bytes())
			}
		}
	}
	return ""
}
