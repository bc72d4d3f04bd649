package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

var whenUnits = map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': day, 'w': 7 * day}

// parseSpan reads a length of time: a number and m, h, d or w.
func parseSpan(s string) (time.Duration, bool) {
	if len(s) < 2 {
		return 0, false
	}
	unit, ok := whenUnits[s[len(s)-1]]
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 31)
	if !ok || err != nil || n == 0 || n > uint64(100*365*day/unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// parseMoment reads a moment: a length of time from now, in the direction of
// sign, a date, which is its first moment in UTC, or RFC 3339.
func parseMoment(s string, now time.Time, sign int) (time.Time, error) {
	if span, ok := parseSpan(s); ok {
		return now.Add(time.Duration(sign) * span), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, strings.ToUpper(s)); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 90d, 12h, 2027-01-31 or 2027-01-31T18:00:00Z", s)
}
