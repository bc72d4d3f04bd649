package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"

	"postern/directory"
)

// session is one connection, held by one goroutine at a time, with the
// statements prepared on it. All texts are constants of this package, so
// there are some dozens of them.
type session struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	ran   uint64 // statements run, for tests
}

// background is the context of every statement: see Store.view.
var background = context.Background()

func (s *session) prepared(text string) (*sql.Stmt, error) {
	s.ran++
	if st := s.stmts[text]; st != nil {
		return st, nil
	}
	st, err := s.conn.PrepareContext(background, numbered(text))
	if err != nil {
		return nil, err
	}
	s.stmts[text] = st
	return st, nil
}

// exec runs a statement and returns how many rows it changed.
func (s *session) exec(text string, args ...any) (int64, error) {
	st, err := s.prepared(text)
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(background, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// one runs exec and answers ErrNotFound where no row was there to change.
func (s *session) one(text string, args ...any) error {
	n, err := s.exec(text, args...)
	if err == nil && n == 0 {
		err = directory.ErrNotFound
	}
	return err
}

func (s *session) query(text string, args ...any) (*sql.Rows, error) {
	st, err := s.prepared(text)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(background, args...)
}

// get reads one row into dest. ErrNotFound: there is none.
func (s *session) get(text string, args []any, dest ...any) error {
	rows, err := s.query(text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return directory.ErrNotFound
	}
	if err := rows.Scan(dest...); err != nil {
		return err
	}
	return rows.Close()
}

// each reads every row with scan, which calls the row's own Scan.
func (s *session) each(text string, args []any, scan func(scanner) error) error {
	rows, err := s.query(text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// adhoc is each for a text that is put together from conditions, of which there
// are too many to keep them prepared.
func (s *session) adhoc(text string, args []any, scan func(scanner) error) error {
	s.ran++
	rows, err := s.conn.QueryContext(background, numbered(text), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// scanner is a row to be read.
type scanner interface{ Scan(dest ...any) error }

// within runs fn between begin and a commit, or rolls back.
func (s *session) within(begin string, fn func(*session) error) error {
	if _, err := s.exec(begin); err != nil {
		return err
	}
	err := fn(s)
	if err == nil {
		_, err = s.exec("COMMIT")
	}
	if err == nil {
		return nil
	}
	// SQLite has rolled back by itself after some errors; then this one fails
	// and says nothing new. put closes a connection that is still inside.
	if _, rollback := s.exec("ROLLBACK"); rollback != nil && s.inTransaction() {
		return errors.Join(err, driver.ErrBadConn)
	}
	return err
}

func (s *session) inTransaction() bool {
	inside := true
	_ = s.conn.Raw(func(c any) error {
		if a, ok := c.(interface{ AutoCommit() bool }); ok {
			inside = !a.AutoCommit()
		}
		return nil
	})
	return inside
}

func (s *session) close() error {
	for _, st := range s.stmts {
		_ = st.Close()
	}
	return s.conn.Close()
}

// pool hands out sessions. The wait for one obeys the context.
type pool struct {
	db      *sql.DB
	pragmas map[string]string
	free    chan *session // nil stands for one not opened yet
	size    int
}

func newPool(path string, settings url.Values, pragmas map[string]string, size int) (*pool, error) {
	db, err := openSQLite(path, settings, size)
	if err != nil {
		return nil, err
	}
	p := &pool{db: db, pragmas: pragmas, free: make(chan *session, size), size: size}
	for range size {
		p.free <- nil
	}
	return p, nil
}

func (p *pool) get(ctx context.Context) (*session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var ses *session
	select {
	case ses = <-p.free:
	default:
		select {
		case ses = <-p.free:
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for a database connection: %w", ctx.Err())
		}
	}
	if ses != nil {
		return ses, nil
	}
	ses, err := p.connect(ctx)
	if err != nil {
		p.free <- nil
	}
	return ses, err
}

func (p *pool) connect(ctx context.Context) (*session, error) {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkSettings(ctx, conn, p.pragmas); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &session{conn: conn, stmts: make(map[string]*sql.Stmt)}, nil
}

// put takes a session back. One whose connection is lost is replaced when it
// is next needed.
func (p *pool) put(ses *session, err error) {
	if err != nil && (errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone)) {
		_ = ses.conn.Raw(func(any) error { return driver.ErrBadConn })
		_ = ses.close()
		ses = nil
	}
	p.free <- ses
}

// close waits for sessions in use and ends them all.
func (p *pool) close() error {
	var errs []error
	for range p.size {
		if ses := <-p.free; ses != nil {
			errs = append(errs, ses.close())
		}
	}
	return errors.Join(append(errs, p.db.Close())...)
}
