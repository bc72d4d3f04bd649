package config

import (
	"fmt"
	"strconv"
	"strings"
)

// places knows on which line each table and key of a file stands. The TOML
// package tells which keys it saw but not where, so this is a scan of our own:
// of headers and keys only, over text that has already been found valid.
type places struct{ lines map[string]int }

// line returns the line of key, or of the nearest table around it, or 0.
func (p *places) line(key string) int {
	for p != nil && key != "" {
		if n := p.lines[key]; n > 0 {
			return n
		}
		key = key[:max(0, strings.LastIndexAny(key, ".["))]
	}
	return 0
}

// has reports whether the file has that key or table.
func (p *places) has(key string) bool { return p != nil && p.lines[key] > 0 }

// scanner walks over the text of a file once.
type scanner struct {
	text  string
	at    int // index of the next byte
	line  int // its line, from 1
	table string
	count map[string]int // how many elements each list of tables has so far
	found map[string]int
}

// findPlaces scans valid TOML. On anything else it finds less, and ends.
func findPlaces(text string) *places {
	s := &scanner{text: text, line: 1, count: map[string]int{}, found: map[string]int{}}
	for s.skipBlank(); s.at < len(s.text); s.skipBlank() {
		if s.text[s.at] == '[' {
			s.header()
		} else {
			s.pair()
		}
	}
	return &places{s.found}
}

// next consumes one byte and keeps count of the lines.
func (s *scanner) next() {
	if s.text[s.at] == '\n' {
		s.line++
	}
	s.at++
}

// skipBlank consumes white space, line ends and comments.
func (s *scanner) skipBlank() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.next()
		case '#':
			s.skipTo('\n')
		default:
			return
		}
	}
}

func (s *scanner) skipTo(end byte) {
	for s.at < len(s.text) && s.text[s.at] != end {
		s.next()
	}
}

// header reads [a.b] or [[a.b]].
func (s *scanner) header() {
	line := s.line
	s.next()
	list := s.at < len(s.text) && s.text[s.at] == '['
	if list {
		s.next()
	}
	words := s.words(']')
	s.skipTo('\n')
	s.table = ""
	for i, w := range words {
		s.table = join(s.table, w)
		if list && i == len(words)-1 {
			s.count[s.table]++
		}
		s.note(s.table, line)
		if n := s.count[s.table]; n > 0 {
			s.table = fmt.Sprintf("%s[%d]", s.table, n-1)
			s.note(s.table, line)
		}
	}
}

// pair reads a.b = value.
func (s *scanner) pair() {
	line, key := s.line, s.table
	for _, w := range s.words('=') {
		key = join(key, w)
		s.note(key, line)
	}
	s.skipValue()
}

// note keeps the first line on which key was seen.
func (s *scanner) note(key string, line int) {
	if s.found[key] == 0 {
		s.found[key] = line
	}
}

// words reads a dotted key and the byte that ends it.
func (s *scanner) words(end byte) []string {
	var words []string
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case end:
			s.next()
			return words
		case '"', '\'':
			words = append(words, s.quoted(c))
		case '.', ' ', '\t', '\n', '\r', ']':
			s.next()
		default:
			words = append(words, s.bare(end))
		}
	}
	return words
}

func (s *scanner) bare(end byte) string {
	from := s.at
	for s.at < len(s.text) && s.text[s.at] != end && !strings.ContainsRune(". \t\r\n", rune(s.text[s.at])) {
		s.next()
	}
	return s.text[from:s.at]
}

// quoted reads a quoted word of a key.
func (s *scanner) quoted(quote byte) string {
	from := s.at
	s.skipString(quote)
	raw := s.text[from:s.at]
	if word, err := strconv.Unquote(raw); err == nil {
		return word
	}
	return strings.Trim(raw, string(quote))
}

// skipValue consumes a value: to the end of its line, or beyond it while a
// bracket, brace or string is open.
func (s *scanner) skipValue() {
	depth := 0
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case '\n':
			if depth <= 0 {
				return
			}
			s.next()
		case '#':
			s.skipTo('\n')
		case '"', '\'':
			s.skipString(c)
		default:
			depth += strings.Count("[{", string(c)) - strings.Count("]}", string(c))
			s.next()
		}
	}
}

// skipString consumes a string of any of TOML's four kinds.
func (s *scanner) skipString(quote byte) {
	end := string(quote)
	if triple := strings.Repeat(end, 3); strings.HasPrefix(s.text[s.at:], triple) {
		end = triple
	}
	for range end {
		s.next()
	}
	for s.at < len(s.text) && !strings.HasPrefix(s.text[s.at:], end) {
		if s.text[s.at] == '\\' && quote == '"' {
			s.next()
		}
		if s.at < len(s.text) {
			s.next()
		}
	}
	for range end {
		if s.at < len(s.text) {
			s.next()
		}
	}
	// A multi-line string may end in one or two quotes of its own.
	for len(end) == 3 && s.at < len(s.text) && s.text[s.at] == quote {
		s.next()
	}
}

func join(table, key string) string {
	if table == "" {
		return key
	}
	return table + "." + key
}
