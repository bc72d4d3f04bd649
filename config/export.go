package config

import (
	"net"
	"net/url"
	"strings"
)

// What Export begins with.
const (
	exportFile   = "file:"
	exportSyslog = "syslog:"
)

// ExportTarget is Export taken apart. The zero value is nowhere.
type ExportTarget struct {
	File    string // path of a file to append to
	Network string // for syslog: "unix", "udp" or "tcp"
	Address string // path of the socket, or "host:port"
}

// Target takes Export apart. ok is false where it is none of its forms.
func (e *Events) Target() (t ExportTarget, ok bool) {
	if e.Export == "" {
		return t, true
	}
	if path, is := strings.CutPrefix(e.Export, exportFile); is {
		return ExportTarget{File: path}, path != ""
	}
	rest, is := strings.CutPrefix(e.Export, exportSyslog)
	if !is {
		return t, false
	}
	if path, is := strings.CutPrefix(rest, "unix:"); is {
		return ExportTarget{Network: "unix", Address: path}, strings.HasPrefix(path, "/")
	}
	u, err := url.Parse(rest)
	if err != nil || u.Scheme != "udp" && u.Scheme != "tcp" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		return t, false
	}
	host, port, err := net.SplitHostPort(u.Host)
	return ExportTarget{Network: u.Scheme, Address: u.Host}, err == nil && host != "" && port != ""
}

func (e *Events) check(p *problems) {
	checkRange(p, "events.keep_days", e.KeepDays, 1, maxDays)
	if _, ok := e.Target(); !ok {
		p.add("events.export", `%q is none of "file:PATH", "syslog:unix:/PATH", "syslog:udp://HOST:PORT", "syslog:tcp://HOST:PORT"`, e.Export)
	}
}
