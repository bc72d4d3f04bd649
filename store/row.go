package store

import (
	"database/sql/driver"
	"fmt"
	"io"
	"time"
)

// row is one row of an answer, read column by column in the order they were
// asked for. A column of another type than expected is damage: it is
// remembered, and the row is refused.
type row struct {
	values []driver.Value
	at     int
	err    error
}

// each reads all rows of an answer and ends it.
func (r *row) each(rows driver.Rows, read func(*row) error) (err error) {
	defer func() {
		if ending := rows.Close(); err == nil {
			err = ending
		}
	}()
	if r.values == nil {
		r.values = make([]driver.Value, len(rows.Columns()))
	}
	for {
		if err := rows.Next(r.values); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := r.with(read); err != nil {
			return err
		}
	}
}

// with reads the row from its first column on.
func (r *row) with(read func(*row) error) error {
	r.at, r.err = 0, nil
	if err := read(r); err != nil {
		return err
	}
	return r.err
}

func (r *row) take() driver.Value {
	if r.at == len(r.values) {
		return nil
	}
	v := r.values[r.at]
	r.at++
	return v
}

func (r *row) refuse(want string, got driver.Value) {
	if r.err == nil {
		r.err = fmt.Errorf("the database is damaged: column %d holds %T where %s was expected", r.at, got, want)
	}
}

func (r *row) text() string {
	v := r.take()
	s, ok := v.(string)
	if !ok {
		r.refuse("text", v)
	}
	return s
}

func (r *row) int() int64 {
	v := r.take()
	n, ok := v.(int64)
	if !ok {
		r.refuse("a number", v)
	}
	return n
}

// bool reads 0 or 1, and what an engine that has truth values answers to a
// condition.
func (r *row) bool() bool {
	v := r.take()
	switch b := v.(type) {
	case int64:
		return b != 0
	case bool:
		return b
	}
	r.refuse("0 or 1", v)
	return false
}

// time reads seconds.
func (r *row) time() time.Time { return fromSeconds(r.int()) }

// bytes reads a value that may be NULL, which is nil.
func (r *row) bytes() []byte {
	v := r.take()
	if v == nil {
		return nil
	}
	b, ok := v.([]byte)
	if !ok {
		r.refuse("bytes", v)
	}
	return b
}

// fill reads exactly len(dest) bytes.
func (r *row) fill(dest []byte) {
	b := r.bytes()
	if copy(dest, b) != len(dest) || len(b) != len(dest) {
		r.refuse(fmt.Sprintf("%d bytes", len(dest)), b)
	}
}
