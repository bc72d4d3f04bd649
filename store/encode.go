package store

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"postern/directory"
)

// seconds is how times are stored, but for events. The zero time is 0.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func fromSeconds(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// joinServices writes a list of service names into one column.
func joinServices(names []string) (string, error) {
	for _, n := range names {
		if n == "" || strings.Contains(n, ",") {
			return "", fmt.Errorf("%q cannot be a service name", n)
		}
	}
	return strings.Join(names, ","), nil
}

// anyService is shared by all app passwords that are limited to no service, so
// that reading one allocates no list. Its capacity is its length: appending to
// it copies.
var anyService = []string{directory.AnyService}

func splitServices(column string) []string {
	switch column {
	case directory.AnyService:
		return anyService[:1:1]
	case "":
		return nil
	}
	return strings.Split(column, ",")
}

func joinNetworks(networks []netip.Prefix) (string, error) {
	var b strings.Builder
	for i, n := range networks {
		if !n.IsValid() {
			return "", fmt.Errorf("network %d is not valid", i+1)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(n.String())
	}
	return b.String(), nil
}

// splitNetworks fails on what joinNetworks did not write: a damaged limit must
// not read as "anywhere".
func splitNetworks(column string) ([]netip.Prefix, error) {
	if column == "" {
		return nil, nil
	}
	var list []netip.Prefix
	for s := range strings.SplitSeq(column, ",") {
		n, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("reading the networks of an app password: %w", err)
		}
		list = append(list, n)
	}
	return list, nil
}

// nullable stores an empty key as NULL, so that no two rows share it.
func nullable(key string) any {
	if key == "" {
		return nil
	}
	return key
}

// nullableBytes stores no bytes as NULL.
func nullableBytes(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}
