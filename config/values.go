package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// parsePrefix reads a network, or an address as the network of that address
// alone.
func parsePrefix(raw any) (netip.Prefix, error) {
	text, ok := raw.(string)
	if !ok {
		return netip.Prefix{}, errors.New(`must be an address or a network in quotes, such as "192.0.2.0/24"`)
	}
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf(`%q is not an address or a network such as "192.0.2.0/24"`, text)
	case prefix.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%q is an IPv4 network inside IPv6: write it as an IPv4 network", text)
	case prefix != prefix.Masked():
		return netip.Prefix{}, fmt.Errorf("%q is not the start of a network: write %s, or the address alone", text, prefix.Masked())
	}
	return prefix, nil
}

// parseDuration reads "1s", "250ms", "1m30s".
func parseDuration(raw any) (time.Duration, error) {
	text, ok := raw.(string)
	if !ok {
		return 0, errors.New(`must be a duration in quotes, such as "1s" or "250ms"`)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf(`%q is not a duration such as "1s" or "250ms"`, text)
	}
	return d, nil
}

// parseMoment reads a date, which is its first moment in UTC, or a full time;
// "" is the zero time. TOML's own dates will do as well.
func parseMoment(raw any) (time.Time, error) {
	wrong := errors.New(`must be a date such as "2027-01-31", or "2027-01-31T18:00:00Z"`)
	if t, ok := raw.(time.Time); ok {
		return nativeMoment(t, wrong)
	}
	text, ok := raw.(string)
	switch {
	case !ok:
		return time.Time{}, wrong
	case text == "":
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, wrong
}

// nativeMoment reads a TOML date or time. One without a zone is in UTC, like
// a date in quotes; the toml package gives it the machine's.
func nativeMoment(t time.Time, wrong error) (time.Time, error) {
	switch t.Location().String() {
	case "time-local":
		return time.Time{}, wrong
	case "date-local", "datetime-local":
		y, m, d := t.Date()
		return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, time.UTC), nil
	}
	return t.UTC(), nil
}

func parseSecret(raw any) (Secret, error) {
	text, ok := raw.(string)
	if !ok {
		return Secret{}, errors.New("must be a string in quotes")
	}
	return Secret{&text}, nil
}
