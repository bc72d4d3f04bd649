package account

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"postern/secret"
)

// columns of a CSV import, in the order they are named to people.
var columns = []string{"login", "name", "mail", "groups", "mfa", "password_hash"}

// row is what an import says of one account. Empty fields leave as is what an
// account has.
type row struct {
	line              int
	record            string // the entry's name, where it has one
	login, name, mail string
	groups            []string
	mfa               string
	password          secret.Foreign
	hasPassword       bool
	problem           *Refusal // found while reading; it is told with the others

	// LDIF says more.
	id         string
	uidNumber  int64
	attributes map[string][]string
	disabled   bool
	expires    time.Time
}

// csvRows reads the rows of a CSV file one by one, so that a large file is
// never held whole as text.
type csvRows struct {
	r  *csv.Reader
	at map[string]int // column: its index
}

// readCSV reads the header of a CSV file (RFC 4180). Columns may stand in any
// order; login is needed, an unknown one is an error.
func readCSV(file io.Reader) (*csvRows, error) {
	buffered := bufio.NewReader(file)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = buffered.Discard(3) // it was peeked at
	}
	rows := &csvRows{r: csv.NewReader(buffered), at: map[string]int{}}
	rows.r.ReuseRecord = true
	header, err := rows.r.Read()
	if errors.Is(err, io.EOF) {
		return nil, &LineError{Line: 1, Text: "the file is empty; the first line names the columns: " + strings.Join(columns, ",")}
	}
	if err != nil {
		return nil, csvError(err)
	}
	return rows, rows.readHeader(header)
}

func (c *csvRows) readHeader(header []string) error {
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(columns, name) {
			return &LineError{Line: 1, Text: unknownColumn(name)}
		}
		if _, twice := c.at[name]; twice {
			return &LineError{Line: 1, Text: fmt.Sprintf("column %q stands twice", name)}
		}
		c.at[name] = i
	}
	if _, ok := c.at["login"]; !ok {
		return &LineError{Line: 1, Text: `column "login" is missing`}
	}
	return nil
}

func unknownColumn(name string) string {
	if near := Nearest(name, columns); near != "" {
		return fmt.Sprintf("unknown column %q; did you mean %q?", name, near)
	}
	return fmt.Sprintf("unknown column %q; there are: %s", name, strings.Join(columns, ", "))
}

// next returns the next row, or io.EOF. Every other error is a *LineError,
// or one of reading the file.
func (c *csvRows) next() (row, error) {
	record, err := c.r.Read()
	if errors.Is(err, io.EOF) {
		return row{}, io.EOF
	}
	if err != nil {
		return row{}, csvError(err)
	}
	line, _ := c.r.FieldPos(0)
	r := row{line: line, login: c.field(record, "login"), name: c.field(record, "name"), mail: c.field(record, "mail")}
	r.mfa = strings.ToLower(c.field(record, "mfa"))
	if hash := secret.NewText(c.field(record, "password_hash")); !hash.Empty() {
		if r.password, err = secret.ReadForeignHash(hash); err != nil {
			r.problem = refuse(BadHash, "password_hash cannot be taken over: %v", err)
		}
		r.hasPassword = true
	}
	for _, g := range strings.Split(c.field(record, "groups"), ";") {
		if g = strings.TrimSpace(g); g != "" {
			r.groups = append(r.groups, g)
		}
	}
	return r, nil
}

func (c *csvRows) field(record []string, column string) string {
	i, ok := c.at[column]
	if !ok {
		return ""
	}
	return strings.Clone(strings.TrimSpace(record[i]))
}

// csvError says where a file stops being CSV.
func csvError(err error) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return fmt.Errorf("reading the file: %w", err)
	}
	switch {
	case errors.Is(parse.Err, csv.ErrFieldCount):
		return &LineError{Line: parse.StartLine, Text: "this line has more or fewer fields than the header; one that holds a comma is quoted"}
	case errors.Is(parse.Err, csv.ErrQuote), errors.Is(parse.Err, csv.ErrBareQuote):
		return &LineError{Line: parse.StartLine, Text: `a quote (") stands where none may; a field that holds one is quoted and doubles it`}
	}
	return &LineError{Line: parse.StartLine, Text: parse.Err.Error()}
}
