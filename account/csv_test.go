package account

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// FuzzReadCSV: whatever is in a file, it becomes rows that name their lines in
// order, or an error that names one.
func FuzzReadCSV(f *testing.F) {
	f.Add("login,name\nann,Ann\n")
	f.Add("\ufeffmail,LOGIN,groups,mfa,password_hash\r\na@b,a,x;y;;,on,\"$a,b\"\r\n")
	f.Add("login\n\"a\nb\"\n\nc\n")
	f.Add("login\n\"a")
	f.Fuzz(func(t *testing.T, file string) {
		lines := strings.Count(file, "\n") + 1
		rows, err := readCSV(strings.NewReader(file))
		for last := 1; err == nil; {
			var r row
			if r, err = rows.next(); err != nil {
				break
			}
			if r.line <= last || r.line > lines {
				t.Fatalf("%q: line %d follows line %d of %d", file, r.line, last, lines)
			}
			last = r.line
			for _, g := range r.groups {
				if g == "" || strings.Contains(g, ";") {
					t.Fatalf("%q: a group is called %q", file, g)
				}
			}
		}
		var wrong *LineError
		if !errors.Is(err, io.EOF) && (!errors.As(err, &wrong) || wrong.Line < 1 || wrong.Line > lines) {
			t.Fatalf("%q: %v", file, err)
		}
	})
}

func TestDistanceCountsWhatFingersDo(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"ann", "ann", 0}, {"ann", "anm", 1}, {"ann", "an", 1}, {"ann", "anna", 1}, {"ann", "nan", 1},
		{"mail", "mial", 1}, {"mail", "", 4}, {"käse", "kase", 1}, {"mail", "vpn", 4},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
		if got := distance(c.b, c.a); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.b, c.a, got, c.want)
		}
	}
}

func TestCodesAreDrawnEvenly(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	count := map[byte]int{}
	random := strings.NewReader(string(all))
	for range len(all) / codeLength {
		code, err := newCode(random)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []byte(code.Reveal()) {
			count[c]++
		}
	}
	for _, c := range []byte(codeAlphabet) {
		if count[c] != 256/len(codeAlphabet) {
			t.Errorf("%q comes of %d bytes of 256", c, count[c])
		}
	}
	if _, err := newCode(random); err == nil {
		t.Error("without randomness there is a code")
	}
}
