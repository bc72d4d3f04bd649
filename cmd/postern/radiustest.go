package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"postern/policy"
	"postern/radiussrv"
	"postern/secret"
)

// radiusTestFlags say what is tried.
type radiusTestFlags struct {
	client   string
	method   string
	password bool
}

func radiusCommand(e *env) *cobra.Command {
	return group("radius", "Try what a RADIUS client would be answered", radiusTestCommand(e))
}

func radiusTestCommand(e *env) *cobra.Command {
	var f radiusTestFlags
	cmd := &cobra.Command{
		Use:   "test --client NAME LOGIN [--method METHOD] [--password-stdin]",
		Short: "Send a request as a device would, and explain the answer",
		Long: "Sends an Access-Request under the secret of a configured device, as from\n" +
			"its address, to a server inside this process that has this configuration and\n" +
			"this database. Shows the answer, what it carries, and why. Nothing is recorded,\n" +
			"and no brake counts it. What it does not try is the network in between. Without\n" +
			"--password-stdin a password is sent that is nobody's.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: e.completeLogins,
		RunE: func(cmd *cobra.Command, args []string) error {
			var password secret.Text
			var err error
			if f.password {
				password, err = e.readPassword()
			} else {
				password, err = secret.NewRandomPassword(e.random)
			}
			if err != nil {
				return err
			}
			return e.administer(cmd.Context(), func(a *admin) error {
				return a.tryRADIUS(cmd.Context(), f, args[0], password)
			})
		},
	}
	cmd.Flags().StringVar(&f.client, "client", "", "the `NAME` of the [[radius.client]]")
	cmd.Flags().StringVar(&f.method, "method", string(radiussrv.PAP), "the `METHOD`: pap, chap or mschapv2; for EAP there is eapol_test")
	cmd.Flags().BoolVar(&f.password, "password-stdin", false, "read the password from standard input; one trailing newline is dropped")
	mustMark(cmd.MarkFlagRequired("client"))
	return cmd
}

// overheard is the engine as a server uses it: it is told that the device is
// where its entry says, and what it decides is kept.
type overheard struct {
	engine   *policy.Engine
	from     netip.Addr
	decision policy.Decision
	asked    bool
}

func (o *overheard) Authenticate(ctx context.Context, a policy.Attempt) policy.Decision {
	a.Remote = netip.AddrPortFrom(o.from, a.Remote.Port())
	o.decision, o.asked = o.engine.Authenticate(ctx, a), true
	return o.decision
}

func (a *admin) tryRADIUS(ctx context.Context, f radiusTestFlags, login string, password secret.Text) error {
	client, err := a.clientNamed(f.client, radiussrv.Method(f.method))
	if err != nil {
		return err
	}
	o := &overheard{engine: policy.NewEngine(policy.EngineConfig{
		Records: a.store, Challengeable: a.store, Keys: a.keys, Verifier: secret.NewHasher(secret.DefaultArgon2, 0, 0).WithKeys(a.keys), Recorder: unrecorded{}, Now: a.now,
	}), from: client.Address.Addr()}
	o.engine.SetRules(a.rules)
	defer o.engine.Close()
	reply, err := a.askOwnServer(ctx, o, client, radiussrv.Question{
		Login: login, Password: password, Method: radiussrv.Method(f.method), NAS: client.Name, Wait: askWithin,
	})
	if err != nil {
		return err
	}
	return a.printTry(ctx, client, o, login, reply)
}

// tried are the methods that one request is enough for.
var tried = []radiussrv.Method{radiussrv.PAP, radiussrv.CHAP, radiussrv.MSCHAPv2}

// clientNamed is the client under test, which must take the method.
func (a *admin) clientNamed(name string, method radiussrv.Method) (radiussrv.Client, error) {
	if !slices.Contains(tried, method) {
		return radiussrv.Client{}, usagef("--method is pap, chap or mschapv2, and not %q; others can be tried with eapol_test", method)
	}
	clients, err := radiusClientsOf(&a.config)
	if err != nil {
		return radiussrv.Client{}, err
	}
	var known []string
	for _, c := range clients {
		if c.Name == name {
			if !slices.Contains(c.Methods, method) {
				return c, fmt.Errorf("client %q does not take %s; its methods are %s: try --method with one of pap, chap, mschapv2, or eapol_test, and see postern explain", name, method, methodsShown(c.Methods))
			}
			return c, nil
		}
		known = append(known, c.Name)
	}
	return radiussrv.Client{}, fmt.Errorf("there is no RADIUS client %q; there are: %s", name, strings.Join(known, ", "))
}

func methodsShown(list []radiussrv.Method) string {
	words := make([]string, 0, len(list))
	for _, m := range list {
		words = append(words, string(m))
	}
	return strings.Join(words, ", ")
}

// askOwnServer runs a server for one request. nil is silence.
func (a *admin) askOwnServer(ctx context.Context, o *overheard, client radiussrv.Client, q radiussrv.Question) (*radiussrv.Answer, error) {
	replies, err := repliesOf(&a.config)
	if err != nil {
		return nil, err
	}
	served := client
	served.Address = netip.MustParsePrefix("127.0.0.1/32")
	if len(served.Certificates) > 0 { // TLS would bring nothing to what is decided
		text, err := newSharedSecret(a.random)
		if err != nil {
			return nil, err
		}
		served.Certificates, served.Secret, served.InsecureMSCHAP = nil, secret.NewText(string(text)), true
	}
	server, err := radiussrv.New(radiussrv.Config{
		Authenticator: o, Clients: []radiussrv.Client{served}, Replies: replies, Groups: memberships{a.store}, Workers: 1,
	})
	if err != nil {
		return nil, fmt.Errorf("setting up RADIUS: %w", err)
	}
	conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening on loopback: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, conn, radiussrv.Authentication) }()
	reply, err := radiussrv.Ask(ctx, conn.LocalAddr().String(), served.Secret, q)
	cancel()
	return reply, errors.Join(err, <-ended)
}

// printTry shows the answer, and then postern explain's chain for the same
// client.
func (a *admin) printTry(ctx context.Context, client radiussrv.Client, o *overheard, login string, reply *radiussrv.Answer) error {
	var b strings.Builder
	switch {
	case reply == nil:
		b.WriteString("no answer: the device would ask its next server\n")
	default:
		fmt.Fprintf(&b, "%s\n", reply.Code)
		for _, a := range reply.Attributes {
			fmt.Fprintf(&b, "  %s\n", printable(a))
		}
	}
	if o.asked {
		fmt.Fprintf(&b, "decided: %s (%s), service %s\n", o.decision.Outcome, o.decision.Reason, o.decision.Service)
	}
	if _, err := fmt.Fprint(a.stdout, b.String()); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	q := policy.Question{Login: login, Service: o.decision.Service}
	if client.Address.IsSingleIP() {
		q.From = client.Address.Addr()
	}
	x, err := a.explain(ctx, q)
	if err != nil {
		return err
	}
	kind := policy.Legacy
	if client.OTPChallenge {
		kind = policy.LegacyOTP
	}
	x.Answers = slices.DeleteFunc(x.Answers, func(s policy.Supposition) bool { return s.Client != kind.String() })
	return a.printExplanation(x)
}
