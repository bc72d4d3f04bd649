package store

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"
)

func TestConnectionsAreSetAsTheyMustBe(t *testing.T) {
	s := openHere(t, Options{Dir: t.TempDir()})
	for _, c := range []struct {
		pool *pool
		want map[string]string
	}{
		{s.write, map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "2", "mmap_size": "0"}},
		{s.read, map[string]string{"journal_mode": "wal", "query_only": "1", "mmap_size": "0"}},
	} {
		ok(t, s.use(t.Context(), c.pool, "reading the settings", func(ses *session) error { return checkSettings(ses, c.want) }))
	}
	err := s.view(t.Context(), "writing through a connection for reading", func(ses *session) error {
		_, err := ses.exec(metaSet, "x", "y")
		return err
	})
	if err == nil {
		t.Error("a connection for reading has written")
	}
}

// TestAWriterThatCouldLoseIsRefused: a setting left out is what the driver
// makes of it, and that would lose acknowledged changes at a power cut.
func TestAWriterThatCouldLoseIsRefused(t *testing.T) {
	s := openHere(t, Options{Dir: t.TempDir()})
	for _, missing := range []string{"_synchronous", "_foreign_keys", "_secure_delete"} {
		settings := maps.Clone(writerSettings)
		settings.Del(missing)
		conn, err := connectSQLite(s.Path(), settings, writerPragmas)()
		if err == nil {
			t.Errorf("without %s it was accepted", missing)
			ok(t, conn.Close())
		} else if !strings.Contains(err.Error(), strings.TrimPrefix(missing, "_")) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}

func TestAnEngineThatMayDamageIsRefused(t *testing.T) {
	for version, want := range map[string]bool{
		"3.51.3": true, "3.51.10": true, "3.52.0": true, "4.0.0": true,
		"3.51.2": false, "3.40.1": false, "2.99.99": false, "3.51": false, "": false, "3.x.9": false,
	} {
		if got := atLeast(version, oldest); got != want {
			t.Errorf("SQLite %q is safe: %v", version, got)
		}
	}
	ok(t, checkEngine())
}

func TestAPathMayHoldAnything(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?mode=memory&x=%20#ü")
	s := openHere(t, Options{Dir: dir})
	ok(t, s.SetMeta(t.Context(), "x", "y"))
	ok(t, s.Close())
	if v, err := openHere(t, Options{Dir: dir}).Meta(t.Context(), "x"); err != nil || v != "y" {
		t.Errorf("kept is %q (%v)", v, err)
	}
}
