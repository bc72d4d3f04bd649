package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"postern/directory"
	"postern/policy"
	"postern/policy/brake"
	"postern/secret"
)

// explainFlags are what is supposed.
type explainFlags struct {
	service, from string
	json          bool
}

func explainCommand(e *env) *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain LOGIN",
		Short: "Say what would be decided for an account, and by which rule",
		Long: "Supposes that the primary password and each app password of an account are\n" +
			"presented rightly, at every kind of client, and says what would be decided\n" +
			"now and why. LOGIN is also a mail address or a service account.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			q, err := f.question(args[0])
			if err != nil {
				return err
			}
			return e.administer(cmd.Context(), func(a *admin) error {
				x, err := a.explain(cmd.Context(), q)
				if err != nil || f.json {
					return orPrint(err, a.env, x)
				}
				return a.printExplanation(x)
			})
		},
	}
	cmd.Flags().StringVar(&f.service, "service", "", "the `SERVICE` to suppose (default: one that the credential is for)")
	cmd.Flags().StringVar(&f.from, "from", "", "the client's `IP` address to suppose (default: one that the credential may come from)")
	jsonFlag(cmd, &f.json)
	cmd.ValidArgsFunction = e.completeLogins
	complete(cmd, "service", e.completeServices)
	return cmd
}

func (f explainFlags) question(login string) (policy.Question, error) {
	q := policy.Question{Login: login, Service: f.service}
	if f.from == "" {
		return q, nil
	}
	addr, err := netip.ParseAddr(f.from)
	if err != nil {
		return q, usagef("--from %q is no address", f.from)
	}
	q.From = addr.Unmap()
	return q, nil
}

// explain asks the policy about a person, or a service account of that name.
func (a *admin) explain(ctx context.Context, q policy.Question) (policy.Explanation, error) {
	if known := a.settings.Services(); q.Service != "" && !slices.Contains(known[1:], q.Service) {
		return policy.Explanation{}, fmt.Errorf("there is no service %q; there are: %s", q.Service, strings.Join(known[1:], ", "))
	}
	brakes, err := a.brakesKept(ctx)
	if err != nil {
		return policy.Explanation{}, err
	}
	engine := policy.NewEngine(policy.EngineConfig{
		Records: a.store, Holdings: a.store, Keys: a.keys, Brakes: brakes,
		Verifier: secret.NewHasher(secret.DefaultArgon2, 0, 0).WithKeys(a.keys), Recorder: unrecorded{}, Now: a.now,
	})
	engine.SetRules(a.rules)
	for _, q.Naming = range []directory.Naming{directory.AnyName, directory.ServiceAccountOnly} {
		x, err := engine.Explain(ctx, q)
		if err != nil {
			return x, fmt.Errorf("explaining: %w", err)
		}
		if x.Account != "" {
			x.Answers = slices.DeleteFunc(x.Answers, a.impossible)
			return x, nil
		}
	}
	_, err = a.accounts.Find(ctx, q.Login)
	if err == nil {
		err = fmt.Errorf("%q could be two accounts, so it is nobody's", q.Login)
	}
	return policy.Explanation{}, err
}

// brakesKept are the brakes as the server last kept them, a second ago at most.
func (a *admin) brakesKept(ctx context.Context) (*brake.Brakes, error) {
	rows, err := a.store.Brakes(ctx)
	if err != nil {
		return nil, err
	}
	brakes := brake.New()
	_ = brakes.Restore(rows) // the server has told what cannot be read
	return brakes, nil
}

// impossible says that no such client is configured.
func (a *admin) impossible(s policy.Supposition) bool {
	if s.Client != policy.LegacyOTP.String() {
		return false
	}
	for _, c := range a.config.RADIUS.Clients {
		if c.OTPChallenge {
			return false
		}
	}
	return true
}

// unrecorded drops what it is told: supposing is no sign-in.
type unrecorded struct{}

func (unrecorded) Record(directory.Event) {}
func (unrecorded) Used(policy.Use)        {}

// clientWords say the kinds of clients to people.
var clientWords = map[string]string{
	policy.Legacy.String():      "a legacy client (LDAP, RADIUS)",
	policy.LegacyOTP.String():   "a RADIUS client with otp_challenge",
	policy.Interactive.String(): "the portal",
}

func (a *admin) printExplanation(x policy.Explanation) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", printable(x.Login))
	for _, s := range x.Answers {
		b.WriteString(supposed(s))
		for _, step := range s.Chain {
			fmt.Fprintf(&b, "    %s\n", printable(step))
		}
	}
	for _, on := range x.Brakes {
		b.WriteString(brakeOn(on))
	}
	if _, err := fmt.Fprint(a.stdout, b.String()); err != nil {
		return fmt.Errorf("writing the explanation: %w", err)
	}
	return nil
}

// brakeOn says of a brake where it is on, and how long.
func brakeOn(on policy.BrakeOn) string {
	what, from := "wrong passwords", on.From
	if on.Second {
		what = "wrong second factors"
	}
	if from == "" {
		from = "every address it did not sign in from lately"
	}
	return fmt.Sprintf("\n  After %s the brake is on until %s for %s.\n", what, shown(on.Until), from)
}

// supposed is the headline of one answer.
func supposed(s policy.Supposition) string {
	what := printable(s.Credential)
	if s.ID != "" {
		what = fmt.Sprintf("app password %q (%s)", what, s.ID)
	}
	from := ""
	if s.From != "" {
		from = " from " + s.From
	}
	return fmt.Sprintf("\n  %s at %s, service %s%s: %s\n", what, clientWords[s.Client], s.Service, from, strings.ReplaceAll(s.Outcome, "_", " "))
}
