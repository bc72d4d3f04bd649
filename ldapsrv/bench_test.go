package ldapsrv

import (
	"io"
	"net"
	"testing"
)

// BenchmarkBind binds over real sockets, connections kept, the decision made
// by a fake: what is left is the cost of sockets and protocol. It includes the
// cost of the clients that drive it. BenchmarkFloor is the same without the
// protocol.
func BenchmarkBind(b *testing.B) {
	_, addr := start(b, testConfig())
	exchange(b, addr, bindMessage(1, "uid=ann,ou=people,"+testBase, "right"), len(bindAccepted))
}

// bindAccepted is the answer to message 1 of BenchmarkBind.
const bindAccepted = "0\f\x02\x01\x01a\a\n\x01\x00\x04\x00\x04\x00"

// BenchmarkFloor answers the same bytes with the same number of bytes, and
// neither decodes nor decides anything.
func BenchmarkFloor(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := make([]byte, 4096)
				for {
					if _, err := c.Read(in); err != nil {
						return
					}
					if _, err := c.Write([]byte(bindAccepted)); err != nil {
						return
					}
				}
			}()
		}
	}()
	exchange(b, ln.Addr().String(), bindMessage(1, "uid=ann,ou=people,"+testBase, "right"), len(bindAccepted))
}

// exchange sends request and reads as many bytes as the answer has, again and
// again, on eight connections a core.
func exchange(b *testing.B, addr string, request []byte, answer int) {
	b.ReportAllocs()
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		in := make([]byte, answer)
		for pb.Next() {
			if _, err := c.Write(request); err != nil {
				b.Error(err)
				return
			}
			if _, err := io.ReadFull(c, in); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "binds/s")
}
