package site

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// ParseFlags reads the command line of a driver of that name, which takes flags
// alone and is called from the top of the tree. It ends the process with 2
// where there is anything else, before hours of measuring the wrong thing.
func ParseFlags(name, does string) {
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "%s\n\n  go run ./bench/%s [flags]\n\n", does, name)
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "%s: %q is no flag; see go run ./bench/%s -h\n", name, flag.Arg(0), name)
		os.Exit(2)
	}
}

// UntilInterrupted is over when somebody ends the driver: it then still has servers
// to stop and files to remove. SIGPIPE is not among the signals: who asks for it is
// sent it for sockets too, which servers under attack close all the time.
func UntilInterrupted() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}
