package config

import (
	"errors"
	"strings"
	"testing"
)

// FuzzParse looks for text that ends the process or is neither valid nor
// refused with a place that exists.
func FuzzParse(f *testing.F) {
	for _, c := range bad {
		f.Add([]byte(c.text))
	}
	f.Add([]byte(smallest))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, warnings, err := Parse(data, "/etc/postern")
		if err == nil {
			if c.BaseDN == "" || c.DataDir == "" || c.KeyFile == "" {
				t.Errorf("valid without what is needed: %+v", c)
			}
			checkProblems(t, data, warnings)
			return
		}
		var invalid *Error
		if !errors.As(err, &invalid) || len(invalid.Problems) == 0 {
			t.Fatalf("refused with %T: %v", err, err)
		}
		checkProblems(t, data, invalid.Problems)
	})
}

func checkProblems(t *testing.T, data []byte, list []Problem) {
	t.Helper()
	lines := strings.Count(string(data), "\n") + 1
	for _, p := range list {
		if p.Message == "" || p.Line < 0 || p.Line > lines {
			t.Errorf("problem %+v in %d lines", p, lines)
		}
	}
}
