package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"postern/bench/corpus"
)

// ldapSieges are what is done to LDAP servers for a while.
func ldapSieges(how scale) []deed {
	half := []byte{0x30, 0x50, 0x02, 0x01, 0x01, 0x60}
	hello := []byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03}
	return []deed{
		{"LDAP: slow clients, half a message each", true, func(ctx context.Context, t *target) (int, error) {
			return crowd(ctx, t.ldap, how.slow, how.siege, half)
		}},
		{fmt.Sprintf("LDAP: %d idle connections from 40 addresses", how.idle), true, func(ctx context.Context, t *target) (int, error) {
			return crowd(ctx, t.ldap, how.idle, how.siege, nil)
		}},
		{"LDAP: half-open handshakes", true, func(ctx context.Context, t *target) (int, error) {
			if !t.tls.IsValid() {
				return 0, errNotThere
			}
			return crowd(ctx, t.tls, how.slow, how.siege, hello)
		}},
		{"LDAP: no file descriptors left", false, func(ctx context.Context, t *target) (int, error) {
			return exhaust(ctx, t, how.siege/5)
		}},
		{"LDAP: a flood of garbage from many addresses", true, func(ctx context.Context, t *target) (int, error) {
			messages := corpus.LDAP(2)
			return flood(ctx, "tcp", address, t.ldap, how.siege, messages[len(messages)-1].Messages)
		}},
		{"LDAP: a flood of connections from many addresses", true, func(ctx context.Context, t *target) (int, error) {
			return flood(ctx, "tcp", address, t.ldap, how.siege, [][]byte{nil})
		}},
	}
}

// radiusSieges are what is done to RADIUS servers for a while.
func radiusSieges(how scale) []deed {
	garbage := corpus.RADIUS([]byte("not the secret at all"), 20)
	return []deed{
		{"RADIUS: a flood from many addresses, under a wrong secret", true, func(ctx context.Context, t *target) (int, error) {
			return flood(ctx, "udp", address, t.radius, how.siege, garbage[0].Messages)
		}},
		{"RADIUS: a flood of garbage from many addresses", true, func(ctx context.Context, t *target) (int, error) {
			return flood(ctx, "udp", address, t.radius, how.siege, garbage[len(garbage)-1].Messages)
		}},
		{"RADIUS: a flood of right requests from sources that are no clients", true, func(ctx context.Context, t *target) (int, error) {
			right := corpus.RADIUS([]byte(t.secret), 1)
			return flood(ctx, "udp", stranger, t.radius, how.siege, right[0].Messages)
		}},
	}
}

// errNotThere says that a server has nothing to do this to.
var errNotThere = errors.New("not offered here")

// address is one of many loopback addresses.
func address(n int) string { return fmt.Sprintf("127.0.%d.%d", 20+n/200%200, 1+n%200) }

// stranger is one of many loopback addresses that are no RADIUS clients.
func stranger(n int) string { return "127.200" + strings.TrimPrefix(address(n), "127.0") }

// crowd opens connections from 40 addresses, says a little on each, and holds
// them for a while. It returns how many were opened.
func crowd(ctx context.Context, to netip.AddrPort, n int, hold time.Duration, say []byte) (int, error) {
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for i := range n {
		c, err := dial("tcp", address(i%40), to)
		if err != nil {
			return len(open), err
		}
		open = append(open, c)
		if len(say) > 0 {
			_, _ = c.Write(say) // who was closed meanwhile has lost its place
		}
	}
	wait(ctx, hold)
	return len(open), nil
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// exhaust lets the server have 96 file descriptors, takes them all, and gives
// them back.
func exhaust(ctx context.Context, t *target, hold time.Duration) (int, error) {
	pid := strconv.Itoa(t.PID)
	if out, err := exec.CommandContext(ctx, "prlimit", "--pid", pid, "--nofile=96:20000").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("prlimit: %w: %s", err, out)
	}
	n, _ := crowd(ctx, t.ldap, 200, hold, nil) // that some are refused is the matter
	if out, err := exec.CommandContext(ctx, "prlimit", "--pid", pid, "--nofile=20000:20000").CombinedOutput(); err != nil && t.Alive() {
		return n, fmt.Errorf("prlimit: %w: %s", err, out)
	}
	return n, nil
}

// flood connects, sends one of messages and leaves, from many addresses, as
// fast as eight at once can. from names them by number.
func flood(ctx context.Context, network string, from func(int) string, to netip.AddrPort, d time.Duration, messages [][]byte) (int, error) {
	ctx, stop := context.WithTimeout(ctx, d)
	defer stop()
	var done atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for ctx.Err() == nil {
				c, err := dial(network, from(rand.IntN(8000)), to)
				if err != nil {
					continue // its queue is full, or it is gone: the watch says which
				}
				_, _ = c.Write(messages[rand.IntN(len(messages))]) // as above
				c.Close()
				done.Add(1)
			}
		})
	}
	all.Wait()
	return int(done.Load()), nil
}
