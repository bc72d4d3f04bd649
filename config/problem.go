package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong, or dangerous, in the file.
type Problem struct {
	Line    int    // from 1; 0 where it stands on no line
	Key     string // as "radius.client[0].secret"; "" for the file as a whole
	Message string // never holds a secret
}

// String gives the problem as one line, without the file's name.
func (p Problem) String() string {
	if p.Key == "" {
		return p.Message
	}
	return p.Key + ": " + p.Message
}

// Error is all that is wrong in a file, in the order of its lines.
type Error struct {
	File     string // as given to Load; "" from Parse
	Problems []Problem
}

// Error lists every problem on a line of its own.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = e.Place(p) + p.String()
	}
	return strings.Join(lines, "\n")
}

// Place returns "file:line: ", as far as they are known.
func (e *Error) Place(p Problem) string { return Place(e.File, p) }

// Place returns "file:line: " for a problem of that file, as far as they are
// known.
func Place(file string, p Problem) string {
	switch {
	case p.Line == 0 && file == "":
		return ""
	case p.Line == 0:
		return file + ": "
	case file == "":
		return fmt.Sprintf("line %d: ", p.Line)
	}
	return fmt.Sprintf("%s:%d: ", file, p.Line)
}

// Problem returns a problem with key on its line, for what only the packages
// that use a value can find wrong with it.
func (c *Config) Problem(key, message string) Problem {
	return Problem{c.places.line(key), key, message}
}

// problems gathers; where says on which line a key stands.
type problems struct {
	where *places
	list  []Problem
	// unread are the keys whose values could not be read at all. What a check
	// would say of them, or of what is beneath them, is about a value that
	// nobody wrote.
	unread []string
}

func (p *problems) add(key, format string, args ...any) {
	if p.isUnread(key) {
		return
	}
	p.list = append(p.list, Problem{p.where.line(key), key, fmt.Sprintf(format, args...)})
}

// isUnread reports whether key, or a table around it, could not be read.
func (p *problems) isUnread(key string) bool {
	return slices.ContainsFunc(p.unread, func(unread string) bool {
		rest, ok := strings.CutPrefix(key, unread)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// readingDone notes which keys could not be read.
func (p *problems) readingDone() {
	for _, problem := range p.list {
		p.unread = append(p.unread, problem.Key)
	}
}

// sorted returns what was gathered by line, then in the order it was found.
func (p *problems) sorted() []Problem {
	slices.SortStableFunc(p.list, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return p.list
}
