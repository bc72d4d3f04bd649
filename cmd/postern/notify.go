package main

import (
	"net"
	"os"
)

// notifySupervisor tells systemd how the service stands (sd_notify(3)), where
// it asked to be told. A supervisor that cannot be reached is no reason not to
// serve.
func notifySupervisor(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	if path[0] == '@' { // an abstract socket
		path = "\x00" + path[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state)) // as above
}
