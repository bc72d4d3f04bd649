// Gldap shows what hostile and unusual LDAP messages do to a server: as it
// stands to one built on github.com/jimlambrt/gldap v0.1.14 with the versions
// that its own go.mod selects. It is the evidence of docs/decisions/0001.
//
//	go run .                                      # gldap's server
//	go run . -addr 127.0.0.1:3389 -dn D -password P postern serve …   # any other
//
// For each message it starts the server anew, sends the message from one
// connection that never authenticates, then asks two questions: does the
// process live, and does a proper bind from a second connection succeed? It
// prints a table and exits 0 whatever the table says; it stops by itself within
// a few minutes, needs about 2 GB of memory for gldap's deepest fall, and talks
// to loopback addresses only.
//
// It is a module of its own, so that these versions reach no other build.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"text/tabwriter"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gldap:", err)
		os.Exit(1)
	}
}

func run() error {
	var t target
	flag.StringVar(&t.addr, "addr", "127.0.0.1:13389", "loopback `address` the server listens on")
	flag.StringVar(&t.dn, "dn", goodDN, "name of the proper bind")
	flag.StringVar(&t.password, "password", goodPassword, "password of the proper bind")
	only := flag.String("only", "", "`name` of the one case to run")
	serveIt := flag.Bool("serve", false, "be gldap's server instead")
	flag.Parse()
	addr, err := netip.ParseAddrPort(t.addr)
	if err != nil || !addr.Addr().IsLoopback() {
		return errors.New("-addr must be a loopback address and a port")
	}
	if *serveIt {
		return serve(t.addr)
	}
	if t.command = flag.Args(); len(t.command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		t.command = []string{self, "-serve", "-addr", t.addr}
	}
	return table(t, *only)
}

// table runs the cases and prints a line for each.
func table(t target, only string) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "case\tthe sender saw\tthe process\ta proper bind after it\tpeak memory")
	for _, c := range cases {
		if only != "" && c.name != only {
			continue
		}
		r, err := observe(t, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.name, r.saw, r.process, r.bind, r.memory)
	}
	return w.Flush()
}
