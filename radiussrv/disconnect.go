package radiussrv

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3162"

	"postern/directory"
	"postern/secret"
)

// Disconnect asks a device to end a session (RFC 5176 §2.1).
type Disconnect struct {
	// Address is where the device takes such requests, "host:port".
	Address string
	// Secret is shared with the device.
	Secret secret.Text
	// Session is what is to end.
	Session directory.NetworkSession
	// At is put into the request as Event-Timestamp, against replays.
	At time.Time
	// Random is what the identifier and the pauses are made of:
	// crypto/rand.Reader.
	Random io.Reader
	// Dial reaches the device: (*net.Dialer).DialContext.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// DisconnectOutcome is what a device made of the request.
type DisconnectOutcome string

const (
	Disconnected      DisconnectOutcome = "acknowledged"
	AlreadyGone       DisconnectOutcome = "no such session" // Error-Cause 503 (RFC 5176 §3.5)
	DisconnectRefused DisconnectOutcome = "refused"         // the cause is with it
)

// Gone says that the session is over.
func (o DisconnectOutcome) Gone() bool { return o == Disconnected || o == AlreadyGone }

// ErrNoAnswer says that the device was asked again and again and said nothing.
var ErrNoAnswer = errors.New("the device does not answer")

// How a request is repeated (RFC 5080 §2.2.1): after irt, then about twice as
// long each time up to mrt, and in all no longer than mrd.
const (
	irt = 2 * time.Second
	mrt = 16 * time.Second
	mrd = 30 * time.Second
)

// sessionContextNotFound is the Error-Cause of a session that is not there.
const sessionContextNotFound = 503

const errorCause radius.Type = 101 // RFC 5176 §3.5

// Send asks until the device answers, or has not for half a minute, which is
// ErrNoAnswer. The request is repeated octet for octet, so that a device that
// got it twice does it once. cause is the device's Error-Cause, 0 for none.
func (d Disconnect) Send(ctx context.Context) (outcome DisconnectOutcome, cause uint32, err error) {
	request, err := d.encode()
	if err != nil {
		return "", 0, err
	}
	end := time.Now().Add(mrd)
	conn, err := d.Dial(ctx, "udp", d.Address)
	if err != nil {
		return "", 0, fmt.Errorf("reaching the device at %s: %w", d.Address, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	for wait := d.jitter(irt); ; wait = min(2*wait+d.jitter(wait)-wait, d.jitter(mrt)) {
		// A port that is closed for a moment is like a packet lost.
		_, _ = conn.Write(request)
		until := time.Now().Add(wait)
		if until.After(end) {
			until = end
		}
		reply, err := d.await(ctx, conn, request, until)
		switch {
		case err == nil:
			outcome, cause = judgeReply(reply)
			return outcome, cause, nil
		case ctx.Err() != nil:
			return "", 0, fmt.Errorf("asking the device: %w", ctx.Err())
		case !time.Now().Before(end):
			return "", 0, ErrNoAnswer
		}
	}
}

// jitter is t give or take a tenth.
func (d Disconnect) jitter(t time.Duration) time.Duration {
	var b [2]byte
	_, _ = io.ReadFull(d.Random, b[:]) // without randomness it is t less a tenth
	return t - t/10 + t/5*time.Duration(binary.BigEndian.Uint16(b[:]))/0xffff
}

// await returns the first authentic answer that comes until then.
func (d Disconnect) await(ctx context.Context, conn net.Conn, request []byte, until time.Time) ([]byte, error) {
	buf := make([]byte, radius.MaxPacketLength)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := conn.SetReadDeadline(until); err != nil {
			return nil, fmt.Errorf("setting a deadline: %w", err)
		}
		n, err := conn.Read(buf)
		if err != nil {
			if rest := time.Until(until); rest > 0 && !errors.Is(err, net.ErrClosed) {
				pauseFor(ctx, rest) // refused by the host: ask again in time, not at once
			}
			return nil, fmt.Errorf("waiting for the device: %w", err)
		}
		if packet, ok := frame(buf[:n]); ok && authenticAnswer(packet, request, []byte(d.Secret.Reveal())) {
			return packet, nil
		}
	}
}

func pauseFor(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// encode builds the request: what identifies the session, and no more, because
// devices refuse what they do not expect (RFC 5176 §3.3, Error-Cause 401).
func (d Disconnect) encode() ([]byte, error) {
	var id [1]byte
	if _, err := io.ReadFull(d.Random, id[:]); err != nil {
		return nil, fmt.Errorf("reading randomness for a request: %w", err)
	}
	key := []byte(d.Secret.Reveal())
	p := &radius.Packet{Code: radius.CodeDisconnectRequest, Identifier: id[0], Secret: key}
	p.Add(rfc2869.MessageAuthenticator_Type, zeros[:])
	n := d.Session
	addText(p, rfc2865.UserName_Type, n.UserName)
	addText(p, rfc2866.AcctSessionID_Type, n.Session)
	addText(p, rfc2865.NASIdentifier_Type, n.NASIdentifier)
	addText(p, rfc2865.CallingStationID_Type, n.Reported)
	if a, err := netip.ParseAddr(n.NASAddress); err == nil && a.Is4() {
		p.Add(rfc2865.NASIPAddress_Type, a.AsSlice())
	} else if err == nil {
		p.Add(rfc3162.NASIPv6Address_Type, a.AsSlice())
	}
	p.Add(rfc2869.EventTimestamp_Type, binary.BigEndian.AppendUint32(nil, uint32(d.At.Unix())))
	raw, err := p.MarshalBinary() // the Request Authenticator is all zeros (RFC 5176 §3.4)
	if err != nil {
		return nil, fmt.Errorf("putting the request together: %w", err)
	}
	mac := hmac.New(md5.New, key)
	mac.Write(raw)
	copy(raw[replyMAC:], mac.Sum(nil))
	sum := md5.New()
	sum.Write(raw)
	sum.Write(key)
	copy(raw[4:headerLen], sum.Sum(nil))
	return raw, nil
}

func addText(p *radius.Packet, kind radius.Type, value string) {
	if value != "" {
		p.Add(kind, []byte(value))
	}
}

// authenticAnswer checks an answer to request by its authenticator, and by its
// Message-Authenticator where it has one.
func authenticAnswer(answer, request, key []byte) bool {
	code := radius.Code(answer[0])
	if code != radius.CodeDisconnectACK && code != radius.CodeDisconnectNAK || answer[1] != request[1] {
		return false
	}
	found, ok := inspect(answer)
	if !ok {
		return false
	}
	sum := md5.New()
	sum.Write(answer[:4])
	sum.Write(request[4:headerLen])
	sum.Write(answer[headerLen:])
	sum.Write(key)
	if subtle.ConstantTimeCompare(sum.Sum(nil), answer[4:headerLen]) != 1 {
		return false
	}
	if found.mac == 0 {
		return true
	}
	mac := hmac.New(md5.New, key)
	mac.Write(answer[:4])
	mac.Write(request[4:headerLen])
	mac.Write(answer[headerLen:found.mac])
	mac.Write(zeros[:])
	mac.Write(answer[found.mac+macLen:])
	return hmac.Equal(mac.Sum(nil), answer[found.mac:found.mac+macLen])
}

// judgeReply says what an authentic answer means.
func judgeReply(answer []byte) (DisconnectOutcome, uint32) {
	if radius.Code(answer[0]) == radius.CodeDisconnectACK {
		return Disconnected, 0
	}
	for at := headerLen; at < len(answer); at += int(answer[at+1]) {
		if radius.Type(answer[at]) == errorCause && answer[at+1] == 6 {
			cause := binary.BigEndian.Uint32(answer[at+2:])
			if cause == sessionContextNotFound {
				return AlreadyGone, cause
			}
			return DisconnectRefused, cause
		}
	}
	return DisconnectRefused, 0
}
