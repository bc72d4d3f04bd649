package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"postern"
	"postern/account"
	"postern/config"
	"postern/ldapsrv/wire"
	"postern/secret"
	"postern/store"
)

// running is a server in this process, with its log.
type running struct {
	*server
	dir  string
	ctx  context.Context // of the test, where it is needed far from it
	log  screen
	stop func() error // ends it and returns what serve returned
}

// start makes an installation of demoConfig and serves it until the test ends.
func start(t *testing.T) *running {
	t.Helper()
	r := open(t, t.TempDir())
	r.run(t)
	return r
}

func open(t *testing.T, dir string) *running {
	t.Helper()
	return openAt(t, dir, time.Now)
}

// openAt is open with another clock.
func openAt(t *testing.T, dir string, now func() time.Time) *running {
	t.Helper()
	r := &running{dir: dir}
	e := newEnv(strings.NewReader(""), io.Discard, &r.log)
	e.now = now
	e.configPath = filepath.Join(dir, "config.toml")
	if !exists(e.configPath) {
		rewriteFile(t, e.configPath, strings.Replace(demoConfig, `"warn"`, `"info"`, 1))
	}
	if err := (&initializer{env: e}).run(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := e.loadConfig()
	if err != nil {
		t.Fatal(err)
	}
	level := new(slog.LevelVar)
	if r.server, err = openServer(t.Context(), e, c, newLogger(&r.log, c.Log, level), level); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *running) run(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- r.serve(ctx) }()
	var once []error
	r.stop = func() error {
		end()
		if once == nil {
			once = []error{<-served}
		}
		return once[0]
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("serve ended with %v", err)
		}
	})
}

func rewriteFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// change replaces a text in the server's configuration.
func (r *running) change(t *testing.T, old, replacement string) {
	t.Helper()
	text, err := os.ReadFile(r.env.configPath)
	if err != nil || !bytes.Contains(text, []byte(old)) {
		t.Fatalf("%q is not in the configuration, %v", old, err)
	}
	rewriteFile(t, r.env.configPath, strings.Replace(string(text), old, replacement, 1))
}

// addPerson adds somebody with a primary password.
func (r *running) addPerson(t *testing.T, login string) (id string, password secret.Text) {
	t.Helper()
	people := r.env.accountsOf(r.site)
	password, err := people.GeneratePassword()
	if err != nil {
		t.Fatal(err)
	}
	a, err := people.Add(t.Context(), "cli:test", account.Person{Login: login, Secret: password})
	if err != nil {
		t.Fatal(err)
	}
	return a.ID, password
}

func (r *running) bind(t *testing.T, login, password string) wire.Code {
	t.Helper()
	code, err := simpleBind(t.Context(), r.address("ldap.listen"), "uid="+login+",ou=people,dc=example,dc=org", password)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestAServerThatStopsTellsItsClientsAndLetsGo(t *testing.T) {
	r := start(t)
	_, password := r.addPerson(t, "ann")
	conn, err := net.Dial("tcp", r.address("ldap.listen"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(bindRequest("uid=ann,ou=people,dc=example,dc=org", password.Reveal())); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 1024)
	if _, err := conn.Read(answer); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := r.stop(); err != nil {
		t.Errorf("serve ended with %v", err)
	}
	if took := time.Since(began); took > drainWithin+flushWithin {
		t.Errorf("stopping took %v", took)
	}
	notice, err := io.ReadAll(conn)
	if err != nil || !bytes.Contains(notice, []byte("1.3.6.1.4.1.1466.20036")) || !bytes.Contains(notice, []byte{0x0a, 1, byte(wire.Unavailable)}) {
		t.Errorf("the client was left with % x, %v; want a Notice of Disconnection with 52", notice, err)
	}
	if pid, held := store.ServerPID(filepath.Join(r.dir, "data")); held {
		t.Errorf("the data is still held by process %d", pid)
	}
	if err := open(t, r.dir).close(); err != nil {
		t.Errorf("what was let go cannot be opened and closed again: %v", err)
	}
}

func TestWhatCouldNotBeOpenedLeavesNothingOpen(t *testing.T) {
	taken := start(t)
	dir := t.TempDir()
	r := open(t, dir)
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	r.change(t, `listen_tls = ["127.0.0.1:0"]`, `listen_tls = ["`+taken.address("ldap.listen")+`"]`)
	c, err := r.env.loadConfig()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openServer(t.Context(), r.env, c, slog.New(slog.DiscardHandler), new(slog.LevelVar)); err == nil || !strings.Contains(err.Error(), "ldap.listen_tls") {
		t.Errorf("opening where an address is taken: %v", err)
	}
	lock, err := store.Lock(c.DataDir)
	if err != nil {
		t.Fatalf("the data is still held: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Error(err)
	}
}

func TestAReplacedCertificateIsUsedFromTheNextHandshakeOn(t *testing.T) {
	r := start(t)
	before := handshake(t, r)
	if after := handshake(t, r); !bytes.Equal(before, after) {
		t.Fatal("the certificate changed by itself")
	}
	// While only the key is replaced the pair does not fit, and the old one stays.
	key, err := newTLSKey(r.env.random)
	if err != nil {
		t.Fatal(err)
	}
	tlsKey, tlsCert := filepath.Join(r.dir, "key.pem"), filepath.Join(r.dir, "cert.pem")
	rewriteFile(t, tlsKey, string(key))
	if during := handshake(t, r); !bytes.Equal(before, during) {
		t.Error("a pair that does not fit was taken")
	}
	r.log.await(t, "the changed certificate cannot be used")
	signer, err := readTLSKey(tlsKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := selfSign(signer, nil, time.Now(), r.env.random)
	if err != nil {
		t.Fatal(err)
	}
	rewriteFile(t, tlsCert, string(cert))
	if after := handshake(t, r); bytes.Equal(before, after) {
		t.Error("the replaced certificate is not used")
	}
}

// handshake returns the certificate that the server shows.
func handshake(t *testing.T, r *running) []byte {
	t.Helper()
	conn, err := tls.Dial("tcp", r.address("ldap.listen_tls"), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // what is shown is what is tested
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Raw
}

func TestAChangeByAnotherProcessIsNoticed(t *testing.T) {
	r := open(t, t.TempDir())
	noticed := make(chan int64, 16)
	r.notify = append(r.notify, func(_ context.Context, version int64) { noticed <- version })
	r.run(t)
	r.log.await(t, "listening")
	code, _, stderr := cli(t, "user", "add", "ann", "--config", r.env.configPath)
	if code != exitDone {
		t.Fatal(stderr)
	}
	select {
	case <-noticed:
	case <-time.After(patience):
		t.Errorf("no change was noticed within %v", patience)
	}
}

func TestTheVersionIsComparedWithTheLastOneSeen(t *testing.T) {
	versions := []int64{7, 7, 8, -1, -1, 8, 10}
	var seen []int64
	var log bytes.Buffer
	w := versionWatch{
		changed: func(v int64) { seen = append(seen, v) },
		log:     slog.New(slog.NewTextHandler(&log, nil)),
		read: func(context.Context) (int64, error) {
			v := versions[0]
			versions = versions[1:]
			if v < 0 {
				return 0, errors.New("the disk is gone")
			}
			return v, nil
		},
	}
	for len(versions) > 0 {
		w.look(t.Context())
	}
	if want := []int64{8, 10}; !slices.Equal(seen, want) {
		t.Errorf("told of %v, want %v", seen, want)
	}
	if n := strings.Count(log.String(), "the disk is gone"); n != 1 {
		t.Errorf("an error that lasts was logged %d times", n)
	}
}

func TestAReloadIsTakenWholeOrNotAtAll(t *testing.T) {
	r := start(t)
	_, password := r.addPerson(t, "ann")
	demanding := `ldap_listeners = ["127.0.0.1:0"]` + "\nrequire_app_password = true"
	r.change(t, `ldap_listeners = ["127.0.0.1:0"]`, demanding)
	r.change(t, `secret_file = "vpn.secret"`, `secret_file = "none.secret"`)
	r.reload()
	if !strings.Contains(r.log.String(), "was not taken") || !strings.Contains(r.log.String(), "none.secret does not exist") {
		t.Errorf("the log does not say why:\n%s", &r.log)
	}
	if code := r.bind(t, "ann", password.Reveal()); code != wire.Success {
		t.Errorf("half a configuration was taken: %v", code)
	}
	r.change(t, "none.secret", "vpn.secret")
	r.reload()
	if code := r.bind(t, "ann", password.Reveal()); code != wire.InvalidCredentials {
		t.Errorf("the configuration was not taken: %v\n%s", code, &r.log)
	}
}

// TestAHashOfAnotherCostIsRenewedAtAGoodSignIn: whoever signs in is given a
// hash of the cost that is asked for now, and the password stays good.
func TestAHashOfAnotherCostIsRenewedAtAGoodSignIn(t *testing.T) {
	r := start(t)
	people := r.env.accountsOf(r.site)
	people.Hasher = secret.NewHasher(secret.Argon2{Memory: 64, Time: 1, Threads: 1}, 1, 0)
	password, err := people.GeneratePassword()
	if err != nil {
		t.Fatal(err)
	}
	a, err := people.Add(t.Context(), "cli:test", account.Person{Login: "ann", Secret: password})
	if err != nil {
		t.Fatal(err)
	}
	stored := func() string {
		h, err := r.site.store.HolderByID(t.Context(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		return h.PasswordHash.Reveal()
	}
	cheap := stored()
	if code := r.bind(t, "ann", password.Reveal()); code != wire.Success {
		t.Fatalf("the bind answers %v", code)
	}
	r.engine.Close() // waits for what runs beside the sign-ins
	if renewed := stored(); renewed == cheap || !strings.Contains(renewed, "m=19456,t=2,p=1") {
		t.Error("the hash was not renewed")
	}
	if code := r.bind(t, "ann", password.Reveal()); code != wire.Success {
		t.Errorf("after the renewal the bind answers %v", code)
	}
}

// TestWhatNeedsARestartIsMarkedSo compares the marks that people read with
// what a reload leaves alone.
func TestWhatNeedsARestartIsMarkedSo(t *testing.T) {
	var marked, kept []string
	table := ""
	for line := range strings.Lines(string(postern.ShippedConfig)) {
		key, _, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(line, "["):
			table = strings.Trim(strings.TrimSpace(key), "[]") + "."
		case strings.Contains(line, "(restart)") && !strings.HasPrefix(line, "#"):
			marked = append(marked, table+key)
		}
	}
	for _, r := range restartKeys {
		kept = append(kept, r.key)
	}
	slices.Sort(marked)
	slices.Sort(kept)
	if !slices.Equal(marked, kept) {
		t.Errorf("config.toml marks %q, a reload keeps %q", marked, kept)
	}
	old, _, err := config.Parse(postern.ShippedConfig, "/a")
	if err != nil {
		t.Fatal(err)
	}
	other := strings.NewReplacer("dc=org", "dc=com", ":3389", ":1", ":3636", ":2", ":1812", ":3", ":1813", ":4", `"127.0.0.1:8080"`, `"127.0.0.1:5"`,
		`format = "text"`, `format = "json"`, `export = ""`, `export = "file:events.jsonl"`,
		`radsec_listen = []`, `radsec_listen = ["127.0.0.1:6"]`, `radsec_ca = ""`, `radsec_ca = "ca.pem"`).Replace(string(postern.ShippedConfig))
	next, _, err := config.Parse([]byte(other), "/b")
	if err != nil {
		t.Fatal(err)
	}
	if keys := keepForRestart(&old, &next); len(keys) != len(restartKeys) {
		t.Errorf("of %q only %q were seen to change", kept, keys)
	}
	if next.BaseDN != old.BaseDN || next.LDAP.Listen[0] != old.LDAP.Listen[0] || next.Log.Format != "text" {
		t.Errorf("a value that needs a restart was taken: %+v", next)
	}
}

func TestTheSupervisorIsTold(t *testing.T) {
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", socket.LocalAddr().String())
	r := start(t)
	r.log.await(t, "listening")
	r.reload()
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	var told []string
	if err := socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		b := make([]byte, 64)
		n, err := socket.Read(b)
		if err != nil {
			t.Fatalf("after %q: %v", told, err)
		}
		told = append(told, string(b[:n]))
	}
	slices.Sort(told) // serve and reload speak from two goroutines
	if want := []string{"READY=1", "READY=1", "RELOADING=1", "STOPPING=1"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}
