package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"runtime/metrics"
	"syscall"
)

// stateRequests is where each SIGUSR1 arrives, until stop is called. Before
// it is called for the first time, one would end the process.
func stateRequests() (asked <-chan os.Signal, stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	return signals, func() { signal.Stop(signals) }
}

// watchState answers SIGUSR1, which only the owner of the process and root can
// send, with a line in the log that says what the process holds. It names
// nobody, and changes nothing: the garbage is collected first, so that two
// lines can be compared.
func (s *server) watchState(ctx context.Context, asked <-chan os.Signal) error {
	for {
		select {
		case <-asked:
			s.sayState()
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *server) sayState() {
	runtime.GC()
	runtime.GC() // what had a finalizer goes the second time
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	s.log.Info("state", "goroutines", runtime.NumGoroutine(), "heap_live", live[0].Value.Uint64(), "ldap_connections", s.ldap.Connections(),
		"password_hashes", s.hasher.Runs())
}
