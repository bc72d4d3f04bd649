package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"rsc.io/qr"

	"postern/account"
	"postern/policy"
)

func userTOTP(e *env) *cobra.Command {
	var label string
	var asQR, asJSON bool
	cmd := &cobra.Command{
		Use:   "totp LOGIN",
		Short: "Enrol an authenticator app for an account and print its key, once",
		Long: "Makes a key for an authenticator app, enrols it and prints it, as an otpauth\n" +
			"address that the app takes or as a QR code. It cannot be shown again. Whoever\n" +
			"has it has the account's second factor.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: e.completeLogins,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.withUser(cmd.Context(), args[0], func(a *admin, h policy.Holder) error {
				made, err := a.accounts.AddTOTP(cmd.Context(), a.actor, h.Account.ID, "Postern", label)
				if err != nil {
					return err
				}
				a.say("enrolled an authenticator app for %s", h.Account.Login)
				return a.printTOTP(made, asQR, asJSON)
			})
		},
	}
	cmd.Flags().StringVar(&label, "label", "Authenticator app", "the `LABEL` to know it by")
	cmd.Flags().BoolVar(&asQR, "qr", false, "print a QR code to scan")
	jsonFlag(cmd, &asJSON)
	cmd.PreRunE = onlyOneOf(cmd, "qr", "json")
	return cmd
}

func (a *admin) printTOTP(made account.PendingTOTP, asQR, asJSON bool) error {
	switch {
	case asJSON:
		return a.printJSON(struct {
			ID  string `json:"id"`
			Key string `json:"key"`
			URI string `json:"uri"`
		}{made.ID, made.Key.Reveal(), made.URI.Reveal()})
	case asQR:
		code, err := qr.Encode(made.URI.Reveal(), qr.L)
		if err != nil {
			return fmt.Errorf("making the QR code: %w", err)
		}
		_, err = fmt.Fprint(a.stdout, drawn(code))
		return err
	}
	return a.printSecret(made.URI)
}

// drawn is a QR code in text for a dark terminal, two rows of it in a line,
// with the margin that scanners need.
func drawn(code *qr.Code) string {
	const margin = 2
	blocks := [2][2]string{{"█", "▀"}, {"▄", " "}} // [upper is black][lower is black]
	var b strings.Builder
	for y := -margin; y < code.Size+margin; y += 2 {
		for x := -margin; x < code.Size+margin; x++ {
			b.WriteString(blocks[bit(code.Black(x, y))][bit(code.Black(x, y+1))])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func bit(set bool) int {
	if set {
		return 1
	}
	return 0
}
