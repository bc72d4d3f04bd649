package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"postern/bench/load"
	"postern/bench/peers"
	"postern/bench/people"
)

// devices are how many hold EAP conversations at once, each of an account of
// its own.
const devices = 8

// eaps are the rows of EAP: whole conversations, in full and resumed.
func (b *bench) eaps(ctx context.Context) error {
	return errors.Join(b.eap(ctx, load.TTLSPAP, "EAP-TTLS/PAP"), b.eap(ctx, load.PEAPMSCHAPv2, "PEAP-MSCHAPv2"))
}

// conversations are the ways in which a method is measured. TLS 1.2 is resumed
// nowhere: FreeRADIUS hands out no tickets there, and the generator's TLS knows
// nothing else.
var conversations = []struct {
	name    string
	version uint16
	resume  bool
}{
	{"in full, TLS 1.3", tls.VersionTLS13, false},
	{"in full, TLS 1.2", tls.VersionTLS12, false},
	{"resumed, TLS 1.3", tls.VersionTLS13, true},
}

// eap measures one method.
func (b *bench) eap(ctx context.Context, m load.Method, name string) (err error) {
	postern, known, err := b.installEAP(ctx, m)
	if err != nil {
		return err
	}
	for _, c := range conversations {
		work := fmt.Sprintf("%s conversations, %s, ECDSA P-256, %d devices", name, c.name, devices)
		drive := load.EAP{Method: m, Version: c.version, Resume: c.resume, Devices: known}
		if err := b.converse(ctx, work, postern, drive); err != nil {
			return fmt.Errorf("%s: %w", work, err)
		}
	}
	return nil
}

// converse measures one kind of conversation. Each server is started anew, and
// FreeRADIUS keeps sessions only where they are resumed: it writes them to files.
func (b *bench) converse(ctx context.Context, work string, postern peers.Postern, drive load.EAP) (err error) {
	ours, at, err := postern.Start(ctx)
	if err != nil {
		return err
	}
	drive.Address, drive.Secret = at.RADIUS, []byte(postern.RADIUSSecret)
	all := []contestant{conversing(ctx, ours, drive)}
	defer func() { err = errors.Join(err, stopAll(all)) }()
	theirs, err := b.freeradius(ctx, postern, drive)
	switch {
	case err == nil:
		drive.Address, drive.Secret = theirs.At, []byte(peers.RADIUSSecret)
		drive.First = true // it does not resume what was itself resumed
		all = append(all, conversing(ctx, theirs, drive))
	case !b.leftOut(err):
		return err
	}
	return b.beside(ctx, work, "conversations/s", all)
}

// freeradius starts it with the certificate of that Postern.
func (b *bench) freeradius(ctx context.Context, postern peers.Postern, drive load.EAP) (*peers.Server, error) {
	dir, err := b.place(fmt.Sprintf("freeradius-%s-%x-%v", drive.Method, drive.Version, drive.Resume))
	if err != nil {
		return nil, err
	}
	e := peers.EAP{
		First: "ttls", Users: func(w io.Writer) error { return people.Users(w, b.small) },
		Certificate: filepath.Join(postern.Dir, "cert.pem"), Key: filepath.Join(postern.Dir, "key.pem"),
		Resume: drive.Resume,
	}
	if drive.Method == load.PEAPMSCHAPv2 {
		e.First, e.Users = "peap", func(w io.Writer) error { return ntUsers(w, drive.Devices) }
	}
	return peers.FreeRADIUSEAP(ctx, dir, e)
}

func ntUsers(w io.Writer, all []load.Device) error {
	for _, d := range all {
		if err := people.NTUser(w, d.Login, d.Password); err != nil {
			return err
		}
	}
	return nil
}

// beside prints what Postern and a peer give, and their ratio, for which there
// is no bound.
func (b *bench) beside(ctx context.Context, work, unit string, all []contestant) error {
	got, err := b.contest(ctx, all)
	if err != nil {
		return err
	}
	b.rates(work, unit, got)
	if len(got) > 1 {
		b.table.ratio(work, fmt.Sprintf("%s ÷ %s", got[0].name, got[1].name), got[0].rate.over(got[1].rate))
		b.table.ratio(work, fmt.Sprintf("%s ÷ %s, processor time", got[0].name, got[1].name), got[0].cost.over(got[1].cost))
	}
	return nil
}

func conversing(ctx context.Context, s *peers.Server, e load.EAP) contestant {
	return contestant{Server: s, trial: 400, drive: func(n int) (load.Result, error) { return e.Run(ctx, n) }}
}

// installEAP makes an installation that speaks that method, and finds the
// accounts that are to sign in.
func (b *bench) installEAP(ctx context.Context, m load.Method) (p peers.Postern, known []load.Device, err error) {
	dir, err := b.place("eap-" + m.String())
	if err != nil {
		return p, nil, err
	}
	client := "secret_file = \"vpn.secret\"\n"
	config := strings.NewReplacer(
		client, client+fmt.Sprintf("methods = [%q]\n\n[radius.eap]\n", m),
		"max_per_account = 1000\n", "", // a proof is held against so many candidates, which is 20 as shipped
	).Replace(peers.Config)
	if p, err = peers.NewPostern(ctx, b.binary, dir, b.small, config); err != nil {
		return p, nil, err
	}
	for i := range devices {
		k := load.Device{Login: people.Login(i), Password: people.Password(i, 0)}
		if m == load.PEAPMSCHAPv2 {
			issued, err := p.Issue(ctx, k.Login, "phone", "--challenge")
			if err != nil {
				return p, nil, err
			}
			k.Password = issued.Secret
		}
		known = append(known, k)
	}
	return p, known, nil
}
