package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

func radiusClientCommand(e *env) *cobra.Command {
	return group("radius-client", "Add devices that ask over RADIUS", radiusClientGenerate(e))
}

// clientName is what the configuration takes for one.
var clientName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

func radiusClientGenerate(e *env) *cobra.Command {
	var address, dae string
	cmd := &cobra.Command{
		Use:   "generate NAME --address ADDRESS",
		Short: "Make a shared secret for a device, and print its entry for config.toml",
		Long: "Writes NAME.secret beside the configuration, readable by its owner alone, with\n" +
			"160 random bits that every device takes, and prints the entry that goes into\n" +
			"config.toml. The configuration itself is left as it is.",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			prefix, err := parseNetwork(address)
			if err != nil {
				return usagef("--address: %w", err)
			}
			if !clientName.MatchString(args[0]) {
				return usagef("%q is not a name of letters, digits, dots, dashes and underscores, 63 at most", args[0])
			}
			return e.generateClient(args[0], prefix, dae)
		},
	}
	cmd.Flags().StringVar(&address, "address", "", "where its requests come from: an `ADDRESS` or a network")
	cmd.Flags().StringVar(&dae, "dae", "", "where it takes requests to end a session, as `HOST:PORT`")
	mustMark(cmd.MarkFlagRequired("address"))
	return cmd
}

// parseNetwork reads an address or a network, as the configuration does.
func parseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p != p.Masked() {
		return p, fmt.Errorf(`%q is not an address or a network such as "192.0.2.0/24"`, s)
	}
	return p, nil
}

func (e *env) generateClient(name string, address netip.Prefix, dae string) error {
	text, err := newSharedSecret(e.random)
	if err != nil {
		return err
	}
	file := name + ".secret"
	path := filepath.Join(filepath.Dir(e.configPath), file)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: choose another name, or remove it where no device uses it", path)
	}
	if err != nil {
		return fmt.Errorf("making the secret file: %w", err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing the secret file: %w", err)
	}
	e.say("The secret for the device is in %s.\nPut this into %s, then run: postern reload", path, e.configPath)
	shown := address.String()
	if address.IsSingleIP() {
		shown = address.Addr().String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "[[radius.client]]\nname = %q\naddress = %q\nsecret_file = %q\n", name, shown, file)
	if dae != "" {
		fmt.Fprintf(&b, "dae.address = %q\n", dae)
	}
	if _, err := fmt.Fprint(e.stdout, b.String()); err != nil {
		return fmt.Errorf("writing the entry: %w", err)
	}
	return nil
}
