package radiussrv_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"

	"postern/directory"
	"postern/radiussrv"
	"postern/secret"
)

// gate is a device that takes requests to end sessions, on a wire inside the
// test: it keeps what it is sent and answers as answer says, nil for not.
type gate struct {
	net.Conn // what is not used here
	sent     [][]byte
	at       []time.Duration
	began    time.Time
	answer   func(n int, request []byte) []byte
	in       chan []byte
	deadline time.Time
	changed  chan struct{}
}

func newGate(answer func(n int, request []byte) []byte) *gate {
	return &gate{answer: answer, in: make(chan []byte, 16), began: time.Now(), changed: make(chan struct{}, 1)}
}

func (g *gate) dial(context.Context, string, string) (net.Conn, error) { return g, nil }

func (g *gate) Write(b []byte) (int, error) {
	g.sent, g.at = append(g.sent, bytes.Clone(b)), append(g.at, time.Since(g.began))
	if reply := g.answer(len(g.sent), b); reply != nil {
		g.in <- reply
	}
	return len(b), nil
}

func (g *gate) SetReadDeadline(t time.Time) error { return g.SetDeadline(t) }

func (g *gate) SetDeadline(t time.Time) error {
	g.deadline = t
	select {
	case g.changed <- struct{}{}:
	default:
	}
	return nil
}

func (g *gate) Close() error { return nil }

func (g *gate) Read(b []byte) (int, error) {
	for {
		select {
		case raw := <-g.in:
			return copy(b, raw), nil
		case <-g.changed:
		case <-time.After(time.Until(g.deadline)):
			return 0, os.ErrDeadlineExceeded
		}
	}
}

var cut = directory.NetworkSession{
	NetworkSessionKey: directory.NetworkSessionKey{Client: "vpn", NAS: "gate", Session: "5A", UserName: "ann"},
	NASIdentifier:     "gate", NASAddress: "192.0.2.1", Reported: "198.51.100.4", Called: "corp", Port: "7", Address: "10.0.0.7",
}

func send(g *gate) (radiussrv.DisconnectOutcome, uint32, error) {
	return radiussrv.Disconnect{
		Address: "gate:3799", Secret: secret.NewText(sharedSecret), Session: cut, At: time.Unix(1900000000, 0), Random: rand.Reader, Dial: g.dial,
	}.Send(context.Background())
}

// answerTo is an authentic answer; signed adds a Message-Authenticator.
func answerTo(request []byte, code radius.Code, signed bool, cause uint32) []byte {
	raw := []byte{byte(code), request[1], 0, 0}
	raw = append(raw, request[4:20]...)
	if signed {
		raw = append(append(raw, 80, 18), make([]byte, 16)...)
	}
	if cause != 0 {
		raw = binary.BigEndian.AppendUint32(append(raw, 101, 6), cause)
	}
	binary.BigEndian.PutUint16(raw[2:], uint16(len(raw)))
	if signed {
		copy(raw[22:38], mac(raw))
	}
	sum := md5.Sum(append(bytes.Clone(raw), sharedSecret...))
	copy(raw[4:20], sum[:])
	return raw
}

// reauthenticated puts the right authenticator into an answer to the request
// whose authenticator it was made with; see answerTo.
func reauthenticated(raw, request []byte) []byte {
	copy(raw[4:20], request[4:20])
	sum := md5.Sum(append(bytes.Clone(raw), sharedSecret...))
	copy(raw[4:20], sum[:])
	return raw
}

// checkDisconnect fails unless raw is a right Disconnect-Request of cut and
// holds nothing but what identifies it.
func checkDisconnect(t *testing.T, raw []byte) {
	t.Helper()
	bare := bytes.Clone(raw)
	clear(bare[4:20])
	sum := md5.Sum(append(bytes.Clone(bare), sharedSecret...))
	if raw[0] != 40 || !hmac.Equal(sum[:], raw[4:20]) {
		t.Errorf("% x is no Disconnect-Request with a right authenticator", raw)
	}
	signature := bytes.Clone(bare[22:38])
	clear(bare[22:38])
	if raw[20] != 80 || !hmac.Equal(mac(bare), signature) {
		t.Errorf("the Message-Authenticator of % x is wrong", raw)
	}
	p, err := radius.Parse(raw, []byte(sharedSecret))
	if err != nil {
		t.Fatal(err)
	}
	if rfc2865.UserName_GetString(p) != "ann" || rfc2866.AcctSessionID_GetString(p) != "5A" || rfc2865.NASIdentifier_GetString(p) != "gate" ||
		rfc2865.CallingStationID_GetString(p) != "198.51.100.4" || rfc2865.NASIPAddress_Get(p).String() != "192.0.2.1" || rfc2869.EventTimestamp_Get(p).Unix() != 1900000000 {
		t.Errorf("% x does not identify the session", raw)
	}
	if len(p.Attributes) != 7 {
		t.Errorf("%d attributes, want seven", len(p.Attributes))
	}
}

func TestADisconnectRequestIdentifiesTheSessionAndIsSigned(t *testing.T) {
	for name, c := range map[string]struct {
		code  radius.Code
		cause uint32
		want  radiussrv.DisconnectOutcome
		gone  bool
	}{
		"ACK":            {radius.CodeDisconnectACK, 0, radiussrv.Disconnected, true},
		"NAK 503":        {radius.CodeDisconnectNAK, 503, radiussrv.AlreadyGone, true},
		"NAK 401":        {radius.CodeDisconnectNAK, 401, radiussrv.DisconnectRefused, false},
		"NAK without it": {radius.CodeDisconnectNAK, 0, radiussrv.DisconnectRefused, false},
	} {
		for _, signed := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				g := newGate(func(_ int, request []byte) []byte { return answerTo(request, c.code, signed, c.cause) })
				got, cause, err := send(g)
				if err != nil || got != c.want || cause != c.cause || got.Gone() != c.gone {
					t.Errorf("%s: %q, %d, %v", name, got, cause, err)
				}
				if len(g.sent) != 1 {
					t.Fatalf("%s: sent %d times", name, len(g.sent))
				}
				checkDisconnect(t, g.sent[0])
			})
		}
	}
}

// TestADeviceThatIsSilentIsAskedAgainUnchanged: RFC 5080 §2.2.1.
func TestADeviceThatIsSilentIsAskedAgainUnchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(func(int, []byte) []byte { return nil })
		if _, _, err := send(g); !errors.Is(err, radiussrv.ErrNoAnswer) {
			t.Errorf("after silence: %v", err)
		}
		if took := time.Since(g.began); took != 30*time.Second {
			t.Errorf("given up after %v, want 30s", took)
		}
		if len(g.sent) < 4 || len(g.sent) > 5 { // the fifth is due at about the end
			t.Fatalf("sent %d times, at %v", len(g.sent), g.at)
		}
		for n, raw := range g.sent {
			if !bytes.Equal(raw, g.sent[0]) {
				t.Errorf("request %d differs from the first", n)
			}
			if n == 0 {
				continue
			}
			// Each pause is about twice the one before; a tenth of chance each.
			pause, about := g.at[n]-g.at[n-1], time.Duration(2<<(n-1))*time.Second
			if pause < about*7/10 || pause > about*13/10 {
				t.Errorf("pause %d was %v, want about %v", n, pause, about)
			}
		}
	})
}

func TestAnAnswerLateInTheRepetitionsCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(func(n int, request []byte) []byte {
			if n < 3 {
				return nil
			}
			return answerTo(request, radius.CodeDisconnectACK, true, 0)
		})
		if got, _, err := send(g); err != nil || got != radiussrv.Disconnected || len(g.sent) != 3 {
			t.Errorf("%q, %v after %d requests", got, err, len(g.sent))
		}
	})
}

func TestAForgedAnswerIsNoAnswer(t *testing.T) {
	forgeries := map[string]func(raw, request []byte) []byte{
		"authenticator":   func(raw, _ []byte) []byte { raw[4] ^= 1; return raw },
		"signature":       func(raw, request []byte) []byte { raw[30] ^= 1; return reauthenticated(raw, request) },
		"identifier":      func(raw, request []byte) []byte { raw[1]++; return reauthenticated(raw, request) },
		"code":            func(raw, request []byte) []byte { raw[0] = 2; return reauthenticated(raw, request) },
		"cut short":       func(raw, _ []byte) []byte { return raw[:19] },
		"broken in shape": func(raw, request []byte) []byte { raw[21] = 200; return reauthenticated(raw, request) },
	}
	for name, forge := range forgeries {
		synctest.Test(t, func(t *testing.T) {
			g := newGate(func(_ int, request []byte) []byte {
				return forge(answerTo(request, radius.CodeDisconnectACK, true, 0), request)
			})
			if got, _, err := send(g); !errors.Is(err, radiussrv.ErrNoAnswer) {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		})
	}
}
