package config

import "testing"

func TestWhereEventsAreExportedTo(t *testing.T) {
	for text, want := range map[string]ExportTarget{
		"":                               {},
		"file:events.jsonl":              {File: "/etc/postern/events.jsonl"},
		"file:/var/log/postern.jsonl":    {File: "/var/log/postern.jsonl"},
		"syslog:unix:/dev/log":           {Network: "unix", Address: "/dev/log"},
		"syslog:udp://siem.example:514":  {Network: "udp", Address: "siem.example:514"},
		"syslog:tcp://[2001:db8::1]:601": {Network: "tcp", Address: "[2001:db8::1]:601"},
	} {
		c := parse(t, smallest+"[events]\nexport = \""+text+"\"\n")
		if got, ok := c.Events.Target(); !ok || got != want {
			t.Errorf("%q is %+v (%v), want %+v", text, got, ok, want)
		}
	}
	for _, text := range []string{"file:", "events.jsonl", "syslog:/dev/log", "syslog:unix:dev/log", "syslog:udp://siem", "syslog:tls://siem:6514", "syslog:tcp://siem:601/x", "syslog:tcp://a@siem:601"} {
		e := Events{Export: text}
		if got, ok := e.Target(); ok {
			t.Errorf("%q is taken as %+v", text, got)
		}
	}
}
