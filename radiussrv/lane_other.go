//go:build !unix

package radiussrv

import "net"

// duplicate returns no socket: nothing here is known to share one.
func duplicate(net.PacketConn) (net.PacketConn, bool) { return nil, false }
