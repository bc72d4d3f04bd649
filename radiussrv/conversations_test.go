package radiussrv_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/tls"
	"errors"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"postern/policy"
	"postern/radiussrv"
)

// eapRequest carries an EAP message, and a State where there is one.
func eapRequest(t testing.TB, message, state []byte, more ...edit) []byte {
	t.Helper()
	return request(t, "ann", "x", append([]edit{without(rfc2865.UserPassword_Type), func(p *radius.Packet) {
		for rest := message; ; rest = rest[253:] {
			p.Add(rfc2869.EAPMessage_Type, rest[:min(253, len(rest))])
			if len(rest) <= 253 {
				break
			}
		}
		if state != nil {
			p.Add(rfc2865.State_Type, state)
		}
	}}, more...)...)
}

// eapMessage is an EAP packet.
func eapMessage(code, id byte, data ...byte) []byte {
	n := 4 + len(data)
	return append([]byte{code, id, byte(n >> 8), byte(n)}, data...)
}

func identity(name string) []byte { return eapMessage(2, 1, append([]byte{1}, name...)...) }

const readable = "a secret that can be read back"

// md5Peers is a server for EAP-MD5, which takes two rounds.
func md5Peers() radiussrv.Config {
	c := loopback("loopback")
	c.InsecureMSCHAP, c.Methods = true, []radiussrv.Method{"eap-md5"}
	return radiussrv.Config{Clients: []radiussrv.Client{c}, Authenticator: authenticate(
		func(_ context.Context, a policy.Attempt) policy.Decision {
			if a.Login == "ann" && a.Proof.Explains([]byte(readable)) {
				return policy.Decision{Outcome: policy.Accept}
			}
			return policy.Decision{}
		})}
}

// round is what a challenge asks: the State and the EAP message.
type round struct {
	state, message []byte
}

func roundOf(t testing.TB, p *radius.Packet) round {
	t.Helper()
	if p.Code != radius.CodeAccessChallenge {
		t.Fatalf("got %v, want Access-Challenge", p.Code)
	}
	for _, a := range p.Attributes {
		if a.Type != rfc2869.MessageAuthenticator_Type && a.Type != rfc2869.EAPMessage_Type && a.Type != rfc2865.State_Type {
			t.Errorf("a challenge carries attribute %d", a.Type)
		}
	}
	r := round{p.Get(rfc2865.State_Type), rfc2869.EAPMessage_Get(p)}
	if len(r.state) != 16 {
		t.Fatalf("the State is %x", r.state)
	}
	return r
}

// answer is the right response to an EAP-MD5 request.
func (r round) answer(secret string) []byte {
	id := r.message[1]
	sum := md5.Sum(append(append([]byte{id}, secret...), r.message[6:22]...))
	return eapMessage(2, id, append([]byte{4, 16}, sum[:]...)...)
}

func TestAConversationIsAcceptedOrRefusedWithItsEnd(t *testing.T) {
	for secret, want := range map[string]radius.Code{readable: radius.CodeAccessAccept, "another": radius.CodeAccessReject} {
		bubble(t, radiussrv.Authentication, md5Peers(), func(r *rig) {
			first := roundOf(t, r.ask(eapRequest(t, identity("ann"), nil)))
			p := r.ask(eapRequest(t, first.answer(secret), first.state))
			end := map[radius.Code]byte{radius.CodeAccessAccept: 3, radius.CodeAccessReject: 4}[want]
			if got := rfc2869.EAPMessage_Get(p); p.Code != want || !bytes.Equal(got, []byte{end, first.message[1], 0, 4}) {
				t.Errorf("got %v with % x", p.Code, got)
			}
			if n := r.Stats().Conversations; n != 0 {
				t.Errorf("%d conversations are left", n)
			}
		})
	}
}

// TestOnlyTheAcceptOfAConversationCarriesWhatItIsAuthorisedTo: that challenges
// carry nothing, roundOf checks.
func TestOnlyTheAcceptOfAConversationCarriesWhatItIsAuthorisedTo(t *testing.T) {
	for secret, want := range map[string]int{readable: 3, "another": 0} {
		cfg := md5Peers()
		cfg.Replies = []radiussrv.Reply{{Attributes: vlan(t, "20")}}
		bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
			first := roundOf(t, r.ask(eapRequest(t, identity("ann"), nil)))
			p := r.ask(eapRequest(t, first.answer(secret), first.state))
			if got := shownAttributes(p)[:len(p.Attributes)-2]; len(got) != want || want > 0 && got[2] != "81:013230" {
				t.Errorf("%v carries %v", p.Code, got)
			}
		})
	}
}

// TestAnAcceptOfAConversationThatCannotBePutTogetherIsSilence, and no refusal
// when the device sends its message again.
func TestAnAcceptOfAConversationThatCannotBePutTogetherIsSilence(t *testing.T) {
	cfg := md5Peers()
	cfg.Replies = []radiussrv.Reply{{Group: "staff", Attributes: vlan(t, "20")}}
	cfg.Groups = groups(func(string) ([]string, error) { return nil, errors.New("the database is gone") })
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		first := roundOf(t, r.ask(eapRequest(t, identity("ann"), nil)))
		same := eapRequest(t, first.answer(readable), first.state)
		for range 3 {
			r.send(same)
			time.Sleep(5 * time.Second)
			if got := r.replies(); len(got) != 0 {
				t.Errorf("got %v", got)
			}
		}
		time.Sleep(2 * time.Minute)
		if n := r.Stats().Conversations; n != 0 {
			t.Errorf("%d conversations are left", n)
		}
	})
}

// TestAStateIsOneRoundsAndOneClients is radius.md's hostile list: what is
// replayed, out of turn, of another client or from before is no message of the
// conversation.
func TestAStateIsOneRoundsAndOneClients(t *testing.T) {
	refused := func(t *testing.T, r *rig, datagram []byte) {
		t.Helper()
		if p := r.ask(datagram); p.Code != radius.CodeAccessReject || len(rfc2869.EAPMessage_Get(p)) != 4 {
			t.Errorf("got %v with % x", p.Code, rfc2869.EAPMessage_Get(p))
		}
	}
	goesOn := func(t *testing.T, r *rig, first round) {
		t.Helper()
		if p := r.ask(eapRequest(t, first.answer(readable), first.state)); p.Code != radius.CodeAccessAccept {
			t.Errorf("the conversation does not go on: %v", p.Code)
		}
	}
	for name, test := range map[string]func(*testing.T, *rig, round){
		"a State that nobody made": func(t *testing.T, r *rig, first round) {
			refused(t, r, eapRequest(t, first.answer(readable), bytes.Repeat([]byte{7}, 16)))
			refused(t, r, eapRequest(t, first.answer(readable), []byte{1}))
			refused(t, r, eapRequest(t, first.answer(readable), []byte{}))
			goesOn(t, r, first)
		},
		"a State that was used": func(t *testing.T, r *rig, first round) {
			goesOn(t, r, first)
			refused(t, r, eapRequest(t, first.answer(readable), first.state))
		},
		"a State of another address": func(t *testing.T, r *rig, first round) {
			r.sendFrom("127.0.0.2:40000", eapRequest(t, first.answer(readable), first.state))
			if got := r.replies(); len(got) != 1 || got[0].raw[0] != byte(radius.CodeAccessReject) {
				t.Errorf("got %v", got)
			}
			goesOn(t, r, first)
		},
		"another identifier": func(t *testing.T, r *rig, first round) {
			wrong := first.answer(readable)
			wrong[1]++
			r.send(eapRequest(t, wrong, first.state))
			if got := r.replies(); len(got) != 0 {
				t.Errorf("got %v", got)
			}
			goesOn(t, r, first)
		},
		"no EAP packet": func(t *testing.T, r *rig, first round) {
			for _, message := range [][]byte{{2}, {2, 1, 0}, {2, 1, 0, 4}, {2, 1, 0, 200, 4}, {9, 1, 0, 5, 1}, {3, 1, 0, 4}, eapMessage(1, first.message[1], 4, 16)} {
				r.send(eapRequest(t, message, first.state))
				if got := r.replies(); len(got) != 0 {
					t.Errorf("% x: got %v", message, got)
				}
			}
			goesOn(t, r, first)
		},
		"a device that starts over": func(t *testing.T, r *rig, first round) {
			again := roundOf(t, r.ask(eapRequest(t, identity("ann"), first.state)))
			goesOn(t, r, again)
			if n := r.Stats().Conversations; n != 0 {
				t.Errorf("%d conversations are left", n)
			}
		},
		"one that waited too long": func(t *testing.T, r *rig, first round) {
			time.Sleep(80 * time.Second)
			if n := r.Stats().Conversations; n != 0 {
				t.Errorf("%d conversations are left", n)
			}
			refused(t, r, eapRequest(t, first.answer(readable), first.state))
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, radiussrv.Authentication, md5Peers(), func(r *rig) {
				test(t, r, roundOf(t, r.ask(eapRequest(t, identity("ann"), nil))))
			})
		})
	}
}

// TestADeviceMayWaitToBeAsked is the EAP-Start of RFC 3579 §2.1.
func TestADeviceMayWaitToBeAsked(t *testing.T) {
	bubble(t, radiussrv.Authentication, md5Peers(), func(r *rig) {
		asked := roundOf(t, r.ask(eapRequest(t, nil, nil)))
		if len(asked.message) != 5 || asked.message[4] != 1 {
			t.Fatalf("asked % x and not for the identity", asked.message)
		}
		first := roundOf(t, r.ask(eapRequest(t, eapMessage(2, asked.message[1], 1, 'a', 'n', 'n'), asked.state)))
		if p := r.ask(eapRequest(t, first.answer(readable), first.state)); p.Code != radius.CodeAccessAccept {
			t.Errorf("got %v", p.Code)
		}
	})
}

// TestBeginningsThatAreNoneAreNotAnswered: what no conversation can begin with
// leaves nothing behind.
func TestBeginningsThatAreNoneAreNotAnswered(t *testing.T) {
	for name, datagram := range map[string][]byte{
		"a request":              eapRequest(t, eapMessage(1, 1, 1), nil),
		"a success":              eapRequest(t, []byte{3, 1, 0, 4}, nil),
		"another type":           eapRequest(t, eapMessage(2, 1, 4, 16), nil),
		"a length that lies":     eapRequest(t, []byte{2, 1, 0, 9, 1}, nil),
		"no type":                eapRequest(t, []byte{2, 1, 0, 4}, nil),
		"EAP-Messages scattered": eapRequest(t, identity("ann"), nil, add(rfc2865.NASPort_Type, 0, 0, 0, 1), add(rfc2869.EAPMessage_Type, 1)),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, radiussrv.Authentication, md5Peers(), func(r *rig) {
				r.send(datagram)
				r.silent()
				if n := r.Stats().Conversations; n != 0 {
					t.Errorf("%d conversations are left", n)
				}
			})
		})
	}
}

// TestTroubleInsideAConversationIsSilence, also when the request is sent again.
func TestTroubleInsideAConversationIsSilence(t *testing.T) {
	for _, outcome := range []policy.Outcome{policy.Busy, policy.Unavailable} {
		cfg := md5Peers()
		cfg.Authenticator = always(outcome)
		bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
			first := roundOf(t, r.ask(eapRequest(t, identity("ann"), nil)))
			for range 2 {
				r.send(eapRequest(t, first.answer(readable), first.state))
				if got := r.replies(); len(got) != 0 {
					t.Errorf("%v: got %v", outcome, got)
				}
			}
		})
	}
}

func TestARefusalInsideEAPIsHeldBack(t *testing.T) {
	cfg := md5Peers()
	cfg.RejectDelay = time.Second
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		first := roundOf(t, r.ask(eapRequest(t, identity("ann"), nil)))
		r.send(eapRequest(t, first.answer("another"), first.state))
		time.Sleep(time.Second - time.Nanosecond)
		if got := r.replies(); len(got) != 0 {
			t.Error("the refusal came early")
		}
		time.Sleep(time.Nanosecond)
		if got := r.replies(); len(got) != 1 || got[0].raw[0] != byte(radius.CodeAccessReject) {
			t.Errorf("got %v", got)
		}
	})
}

// TestAFloodOfAbandonedConversationsLeavesNothing: ten thousand devices say a
// name and no more. Meanwhile one signs in again and again; afterwards memory
// and goroutines are where they were.
func TestAFloodOfAbandonedConversationsLeavesNothing(t *testing.T) {
	cfg := md5Peers()
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		good := func(i int) {
			first := roundOf(t, r.ask(eapRequest(t, identity("ann"), nil)))
			for range 100 { // others in between
				r.send(eapRequest(t, identity("mallory"), nil))
				r.replies()
			}
			if p := r.ask(eapRequest(t, first.answer(readable), first.state)); p.Code != radius.CodeAccessAccept {
				t.Fatalf("after %d the good one gets %v", i, p.Code)
			}
		}
		good(0)
		time.Sleep(2 * time.Minute)
		before, memory := goroutines(t), heap()
		for i := range 100 {
			good(100 * i)
			if n := r.Stats().Conversations; n > 256 {
				t.Fatalf("%d conversations are kept", n)
			}
		}
		if n := r.Stats().Received; n < 10_000 {
			t.Fatalf("only %d datagrams came", n)
		}
		time.Sleep(2 * time.Minute)
		after := goroutines(t)
		if n := r.Stats().Conversations; n != 0 {
			t.Errorf("%d conversations are left", n)
		}
		if len(after) > len(before) {
			t.Errorf("%d goroutines, %d before:\n%s", len(after), len(before), strings.Join(after, "\n\n"))
		}
		if now := heap(); now > memory+4<<20 {
			t.Errorf("%d bytes in use, %d before", now, memory)
		}
	})
}

// bubbleOf is how a goroutine's stack names the bubble it belongs to.
var bubbleOf = regexp.MustCompile(`synctest bubble \d+[],]`)

// goroutines returns the stacks of the bubble that the test is in, once all of
// it waits. The runtime's own count is exact only while the world stands still,
// and holds what the tests before have left to end.
func goroutines(t *testing.T) (list []string) {
	t.Helper()
	synctest.Wait()
	buf := make([]byte, 4<<20)
	own := bubbleOf.FindString(string(buf[:runtime.Stack(buf, false)]))
	if own == "" {
		t.Fatal("the test is in no bubble")
	}
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if head, _, _ := strings.Cut(stack, "\n"); strings.Contains(head, own) {
			list = append(list, stack)
		}
	}
	return list
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestFragmentsFitWhatTheDeviceCanPassOn is RFC 3579 §2.4.
func TestFragmentsFitWhatTheDeviceCanPassOn(t *testing.T) {
	c := loopback("loopback")
	c.Methods = []radiussrv.Method{"ttls-pap"}
	for mtu, most := range map[byte]int{0: 1010, 200: 196, 20: 74} {
		bubble(t, radiussrv.Authentication, radiussrv.Config{
			Clients: []radiussrv.Client{c}, EAP: radiussrv.EAP{TLS: &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}},
		}, func(r *rig) {
			var edits []edit
			if mtu > 0 {
				edits = append(edits, add(rfc2865.FramedMTU_Type, 0, 0, 0, mtu))
			}
			first := roundOf(t, r.ask(eapRequest(t, identity("anonymous"), nil, edits...)))
			hello := append([]byte{21, 0}, clientHello(t)...)
			second := roundOf(t, r.ask(eapRequest(t, eapMessage(2, first.message[1], hello...), first.state, edits...)))
			if n := len(second.message); n != most {
				t.Errorf("with a Framed-MTU of %d the server sends %d bytes, want %d", mtu, n, most)
			}
		})
	}
}
