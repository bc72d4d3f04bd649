package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"postern/account"
	"postern/directory"
	"postern/policy"
)

func certificateCommand(e *env) *cobra.Command {
	return group("certificate", "Bind client certificates to accounts, for EAP-TLS", certificateAdd(e), certificateList(e), certificateRevoke(e))
}

func certificateAdd(e *env) *cobra.Command {
	var f issueFlags
	cmd := &cobra.Command{
		Use:   "add LOGIN FILE --label LABEL",
		Short: "Bind a client certificate to an account",
		Long: "Binds the certificate in FILE, in PEM or DER, by its fingerprint: who signed it\n" +
			"does not matter, and the account's owner signs in with its key over EAP-TLS. Its\n" +
			"id goes to standard output. It ends when the certificate does, at the latest.",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.challenge = "none"
			r, err := e.request(f)
			if err != nil {
				return err
			}
			c, err := readClientCertificate(args[1])
			if err != nil {
				return err
			}
			return e.withUser(cmd.Context(), args[0], func(a *admin, h policy.Holder) error {
				p, err := a.accounts.AddCertificate(cmd.Context(), a.actor, h.Account.ID, c, r)
				if err != nil {
					return err
				}
				a.say("bound to %s until %s", h.Account.Login, shown(p.ExpiresAt))
				_, err = fmt.Fprintln(a.stdout, p.ID)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&f.label, "label", "", "a `LABEL`, the device it is for")
	cmd.Flags().StringSliceVar(&f.services, "service", nil, "a `SERVICE` it opens; may be given several times (default: app_passwords.default_services)")
	cmd.Flags().StringVar(&f.expires, "expires", "", "`WHEN` it ends: 90d, 12h or a date (default: with the certificate)")
	cmd.Flags().StringSliceVar(&f.from, "from", nil, "an address or `NETWORK` it may be used from; may be given several times")
	mustMark(cmd.MarkFlagRequired("label"))
	complete(cmd, "service", e.completeServices)
	return cmd
}

// readClientCertificate reads the first certificate of a file.
func readClientCertificate(path string) (account.Certificate, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return account.Certificate{}, fmt.Errorf("reading the certificate: %w", err)
	}
	der := data
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			der = block.Bytes
			break
		}
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return account.Certificate{}, fmt.Errorf("%s holds no certificate in PEM or DER: %w", path, err)
	}
	return account.Certificate{Fingerprint: sha256.Sum256(c.Raw), NotAfter: c.NotAfter}, nil
}

// ofKind leaves the credentials of one kind.
func ofKind(list []directory.AppPassword, kind directory.CredentialKind) []directory.AppPassword {
	var those []directory.AppPassword
	for _, p := range list {
		if p.Kind == kind {
			those = append(those, p)
		}
	}
	return those
}

func certificateList(e *env) *cobra.Command {
	return credentialList(e, "List the certificates of an account, the newest first", directory.KindCertificate)
}

func certificateRevoke(e *env) *cobra.Command {
	return &cobra.Command{
		Use:               "revoke LOGIN ID",
		Short:             "Revoke a certificate",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: e.completeAppPasswords,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.withUser(cmd.Context(), args[0], func(a *admin, h policy.Holder) error {
				return a.revoke(cmd.Context(), h, args[1])
			})
		},
	}
}
