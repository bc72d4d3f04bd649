package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"postern/directory"
)

// session is one connection with the statements prepared on it, held by one
// goroutine at a time. It speaks to the driver itself: database/sql in between
// would take as long again as the engine does for a point read.
type session struct {
	conn  driver.Conn
	stmts map[string]*statement
	args  []driver.NamedValue // reused
	ran   int                 // statements run

	scratch []any // for arguments, reused
	kept    kept
}

// statement is a prepared text. The texts are constants of this package, some
// dozens of them.
type statement struct {
	driver.Stmt
	row row // reused
}

// background is the context of every statement: see Store.view.
var background = context.Background()

func newSession(conn driver.Conn) *session {
	return &session{conn: conn, stmts: make(map[string]*statement)}
}

// prepared returns the statement of a constant text.
func (s *session) prepared(text string) (*statement, error) {
	if st := s.stmts[text]; st != nil {
		return st, nil
	}
	st, err := s.conn.Prepare(numbered(text))
	if err != nil {
		return nil, err
	}
	s.stmts[text] = &statement{Stmt: st}
	return s.stmts[text], nil
}

// named are the arguments in the driver's form.
func (s *session) named(args []any) (list []driver.NamedValue, err error) {
	s.args = s.args[:0]
	for i, a := range args {
		switch a.(type) {
		case nil, int64, string, []byte:
		default:
			if a, err = driver.DefaultParameterConverter.ConvertValue(a); err != nil {
				return nil, fmt.Errorf("argument %d: %w", i+1, err)
			}
		}
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return s.args, nil
}

// exec runs a statement and returns how many rows it changed.
func (s *session) exec(text string, args ...any) (int64, error) {
	st, err := s.prepared(text)
	if err != nil {
		return 0, err
	}
	values, err := s.named(args)
	if err != nil {
		return 0, err
	}
	s.ran++
	res, err := st.Stmt.(driver.StmtExecContext).ExecContext(background, values)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// one is exec for a row that must be there: ErrNotFound where none was changed.
func (s *session) one(text string, args ...any) error {
	n, err := s.exec(text, args...)
	if err == nil && n == 0 {
		err = directory.ErrNotFound
	}
	return err
}

// script runs a text of several statements.
func (s *session) script(text string) error {
	_, err := s.conn.(driver.ExecerContext).ExecContext(background, text, nil)
	return err
}

// each calls read for every row of the answer.
func (s *session) each(text string, args []any, read func(*row) error) error {
	st, err := s.prepared(text)
	if err != nil {
		return err
	}
	values, err := s.named(args)
	if err != nil {
		return err
	}
	s.ran++
	rows, err := st.Stmt.(driver.StmtQueryContext).QueryContext(background, values)
	if err != nil {
		return err
	}
	return st.row.each(rows, read)
}

// adhoc is each for a text put together from conditions. There are too many to
// keep them all prepared; the driver keeps those that were used last.
func (s *session) adhoc(text string, args []any, read func(*row) error) error {
	values, err := s.named(args)
	if err != nil {
		return err
	}
	s.ran++
	rows, err := s.conn.(driver.QueryerContext).QueryContext(background, numbered(text), values)
	if err != nil {
		return err
	}
	return new(row).each(rows, read)
}

// only reads the one row of the answer. ErrNotFound: there is none, or more
// than one.
func (s *session) only(text string, args []any, read func(*row) error) error {
	n := 0
	err := s.each(text, args, func(r *row) error { n++; return read(r) })
	if err == nil && n != 1 {
		err = directory.ErrNotFound
	}
	return err
}

// number reads the one number of the answer. ErrNotFound: there is none.
func (s *session) number(text string, args ...any) (n int64, err error) {
	err = s.only(text, args, func(r *row) error { n = r.int(); return nil })
	return n, err
}

// within runs fn between begin and a commit, or rolls back.
func (s *session) within(begin string, fn func(*session) error) (err error) {
	if _, err := s.exec(begin); err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed {
			err = s.rollback(err)
		}
	}()
	if err := fn(s); err != nil {
		return err
	}
	_, err = s.exec("COMMIT")
	committed = err == nil
	return err
}

// rollback adds to err that the connection is of no use where it is still
// inside the transaction. SQLite leaves it by itself after some errors; then
// ROLLBACK fails and says nothing new.
func (s *session) rollback(err error) error {
	_, failed := s.exec("ROLLBACK")
	if failed == nil {
		return err
	}
	if c, ok := s.conn.(interface{ AutoCommit() bool }); ok && c.AutoCommit() {
		return err
	}
	return errors.Join(err, fmt.Errorf("rolling back: %w: %w", driver.ErrBadConn, failed))
}

func (s *session) close() error {
	for _, st := range s.stmts {
		_ = st.Close()
	}
	return s.conn.Close()
}
