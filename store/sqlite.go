package store

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/mattn/go-sqlite3"

	"postern/directory"
)

// fileName is the database within the data directory.
const fileName = "postern.db"

// oldest is the first SQLite in which two connections may write and checkpoint
// a WAL at once without a chance of damage (fixed in 3.51.3).
var oldest = [3]int{3, 51, 3}

// Settings of the connections. The driver sets synchronous=NORMAL unless it is
// told otherwise, and with NORMAL a power cut loses what was acknowledged. A
// session is used by one goroutine at a time, so SQLite need not lock it.
var (
	writerSettings = url.Values{
		"mode": {"rw"}, "_mutex": {"no"}, "_journal_mode": {"WAL"}, "_synchronous": {"FULL"},
		"_busy_timeout": {"5000"}, "_foreign_keys": {"1"}, "_secure_delete": {"FAST"},
		"_cache_size": {"-16384"}, "_stmt_cache_size": {"64"},
	}
	readerSettings = url.Values{
		"mode": {"rw"}, "_mutex": {"no"}, "_query_only": {"1"}, "_synchronous": {"FULL"},
		"_busy_timeout": {"5000"}, "_foreign_keys": {"1"},
		"_cache_size": {"-16384"}, "_stmt_cache_size": {"64"},
	}
)

// What the settings must read as afterwards.
var (
	writerPragmas = map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "secure_delete": "2", "query_only": "0",
	}
	readerPragmas = map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "query_only": "1",
	}
)

// connectSQLite returns how to connect to path, which must exist: with
// settings, which must read as pragmas afterwards.
func connectSQLite(path string, settings url.Values, pragmas map[string]string) func() (driver.Conn, error) {
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + settings.Encode()
	return func() (driver.Conn, error) {
		conn, err := (&sqlite3.SQLiteDriver{}).Open(dsn)
		if err != nil {
			return nil, err
		}
		if err := checkSettings(newSession(conn), pragmas); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return conn, nil
	}
}

// checkSettings reads back what a connection was really set to. It refuses a
// connection that would lose what it acknowledged.
func checkSettings(ses *session, want map[string]string) error {
	for name, value := range want {
		var got string
		err := ses.adhoc("PRAGMA "+name, nil, func(r *row) error { got = fmt.Sprint(r.take()); return nil })
		if err != nil {
			return fmt.Errorf("reading pragma %s: %w", name, err)
		}
		if got != value {
			return fmt.Errorf("pragma %s is %s and must be %s; a network file system cannot hold the database", name, got, value)
		}
	}
	return nil
}

// checkEngine refuses a SQLite that may damage the file.
func checkEngine() error {
	version, _, _ := sqlite3.Version()
	if !atLeast(version, oldest) {
		return fmt.Errorf("SQLite %s is too old: %d.%d.%d is the first that is safe", version, oldest[0], oldest[1], oldest[2])
	}
	return nil
}

func atLeast(version string, want [3]int) bool {
	parts := strings.SplitN(version, ".", 3)
	for i, w := range want {
		if i >= len(parts) {
			return false
		}
		n, err := strconv.Atoi(parts[i])
		if err != nil || n < w {
			return false
		}
		if n > w {
			return true
		}
	}
	return true
}

// numbered turns $1 into ?1, which SQLite counts the same way.
func numbered(text string) string { return strings.ReplaceAll(text, "$", "?") }

// classify returns the class of an error of the engine, or nil for one that is
// about this statement only.
func classify(err error) error {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code {
	case sqlite3.ErrIoErr, sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return ErrFatal
	case sqlite3.ErrFull, sqlite3.ErrReadonly:
		return ErrReadOnly
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return ErrBusy
	}
	switch e.ExtendedCode {
	case sqlite3.ErrConstraintUnique, sqlite3.ErrConstraintPrimaryKey:
		return directory.ErrConflict
	case sqlite3.ErrConstraintForeignKey:
		return directory.ErrNotFound
	}
	return nil
}

// tableExists reports whether the schema holds a table of that name.
func tableExists(ses *session, name string) (bool, error) {
	n, err := ses.number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1", name)
	return n > 0, err
}

// copyDatabase writes a compact copy, one snapshot, into the empty file at path.
func copyDatabase(ses *session, path string) error {
	_, err := ses.exec("VACUUM INTO $1", path)
	return err
}
