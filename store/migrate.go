package store

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema, forward only. A step that was released
// is never changed: its checksum is kept beside its number.
type migration struct {
	number   int
	name     string
	text     string
	checksum string
	fill     func(*session) error // after text, in its transaction; nil: nothing
}

// fills are the parts of migrations that SQL cannot say.
var fills = map[string]func(*session) error{"0008_trigrams": fillTrigrams}

var migrations = mustReadMigrations(migrationFiles)

// mustReadMigrations reads NNNN_name.sql in order. The files are part of the
// program, so a gap or a bad name is a mistake in it.
func mustReadMigrations(files fs.FS) []migration {
	names, err := fs.Glob(files, "migrations/*.sql") // sorted
	if err != nil {
		panic(err)
	}
	list := make([]migration, 0, len(names))
	for i, path := range names {
		text, err := fs.ReadFile(files, path)
		if err != nil {
			panic(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".sql")
		digits, _, _ := strings.Cut(name, "_")
		if n, err := strconv.Atoi(digits); err != nil || n != i+1 {
			panic("store: migration " + name + " is out of order")
		}
		sum := sha256.Sum256(text)
		list = append(list, migration{i + 1, name, string(text), hex.EncodeToString(sum[:]), fills[name]})
	}
	return list
}

// migrationsTable is outside the numbered files because they are listed in it.
const migrationsTable = `CREATE TABLE IF NOT EXISTS migrations (
  number     INTEGER PRIMARY KEY,
  name       TEXT NOT NULL,
  checksum   TEXT NOT NULL,
  applied_at BIGINT NOT NULL
)`

// Made is when the database was made.
func (s *Store) Made(ctx context.Context) (at time.Time, err error) {
	err = s.view(ctx, "reading when the database was made", func(ses *session) error {
		return ses.only(migratedFirst, nil, func(r *row) error { at = r.time(); return nil })
	})
	return at, err
}

const migratedFirst = "SELECT applied_at FROM migrations WHERE number = 1"

// prepareSchema brings the database to this program's schema. Nothing is
// migrated under a running server: only the one that holds the lock migrates.
func (s *Store) prepareSchema(ctx context.Context, opts Options) error {
	ses, err := s.write.get(ctx)
	if err != nil {
		return err
	}
	defer func() { s.write.put(ses, err) }()
	done, err := applied(ses)
	if err != nil || done == len(migrations) {
		return err
	}
	if opts.Lock == nil {
		lock, err := Lock(opts.Dir)
		if err != nil {
			return fmt.Errorf("the database has to be migrated: %w; stop it, or start the new version of it", err)
		}
		defer func() { _ = lock.Unlock() }() // the kernel lets go when this process ends
	}
	if done > 0 {
		if err = copyBefore(ses, s.path, done+1); err != nil {
			return err
		}
	}
	for _, m := range migrations[done:] {
		if err = m.apply(ses); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	return nil
}

// applied returns how many migrations the database has seen. It refuses a
// database that is not ours in every one of them.
func applied(ses *session) (int, error) {
	if there, err := tableExists(ses, "migrations"); err != nil || !there {
		return 0, err
	}
	n := 0
	err := ses.each("SELECT number, name, checksum FROM migrations ORDER BY number", nil, func(r *row) error {
		number, name, checksum := int(r.int()), r.text(), r.text()
		if number > len(migrations) {
			return fmt.Errorf("%w: its schema is %s, this program knows schemas up to %04d; use the newer postern",
				ErrNewer, name, len(migrations))
		}
		if n++; n != number || migrations[n-1].checksum != checksum {
			return fmt.Errorf("its migration %s is not the one of this program; use the postern that made the database", name)
		}
		return nil
	})
	return n, err
}

// apply runs one migration in a transaction of its own. Another process may
// have run it since it was found missing; then there is nothing to do.
func (m migration) apply(ses *session) error {
	return ses.within("BEGIN IMMEDIATE", func(ses *session) error {
		if _, err := ses.exec(migrationsTable); err != nil {
			return err
		}
		there, err := ses.number("SELECT count(*) FROM migrations WHERE number = $1", m.number)
		if err != nil || there > 0 {
			return err
		}
		if err := ses.script(m.text); err != nil {
			return err
		}
		if m.fill != nil {
			if err := m.fill(ses); err != nil {
				return err
			}
		}
		_, err = ses.exec("INSERT INTO migrations (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
			m.number, m.name, m.checksum, time.Now().Unix())
		return err
	})
}

// copyBefore writes the database as it is before a migration to a file beside
// it, postern.db.before-NNNN, whole and on the disk before it has that name.
func copyBefore(ses *session, path string, number int) error {
	final := fmt.Sprintf("%s.before-%04d", path, number)
	half := final + ".tmp"
	f, err := os.OpenFile(half, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("copying the database before migrating it: %w", err)
	}
	defer f.Close()
	if err = copyDatabase(ses, half); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(half, final)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = os.Remove(half)
		return fmt.Errorf("copying the database before migrating it: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
