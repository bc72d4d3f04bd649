package main

import (
	"net"
	"testing"
	"time"

	"postern/portal"
)

func TestTheInstallationKnowsWhichDevicesSpoke(t *testing.T) {
	r := start(t)
	device := func() portal.RADIUSClient { return r.installation().Clients[0] }
	if d := device(); !d.HeardAt.IsZero() || d.Lost != "" {
		t.Fatalf("before it spoke: %+v", d)
	}
	conn, err := net.Dial("udp", r.address("radius.listen"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for end := time.Now().Add(patience); device().Lost == ""; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing was noted")
		}
		if _, err := conn.Write([]byte("no RADIUS")); err != nil {
			t.Fatal(err)
		}
	}
	if d := device(); d.Lost != "malformed" || d.LostAt.IsZero() || !d.HeardAt.IsZero() {
		t.Errorf("%+v", d)
	}
}
