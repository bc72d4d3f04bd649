package eap

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"testing"

	"postern/policy"
)

func FuzzDecode(f *testing.F) {
	for _, seed := range [][]byte{
		{}, {2}, {2, 1, 0}, {2, 1, 0, 4}, {3, 1, 0, 4}, {4, 1, 0, 5, 0}, {2, 1, 0, 5, 1}, {2, 1, 0, 200, 1}, {2, 1, 0, 4, 1},
		{9, 1, 0, 5, 1}, {2, 1, 255, 255, 1}, {2, 1, 0, 6, 3, 25}, append([]byte{2, 1, 1, 4, 1}, bytes.Repeat([]byte{'a'}, 255)...),
		{2, 1, 0, 8, 1, 'a', 0, 'b'}, {2, 1, 0, 7, 1, 0xff, 0xfe},
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(b)
		if err == nil && !bytes.Equal(p.Encode(), b) {
			t.Errorf("% x is read as %+v, written as % x", b, p, p.Encode())
		}
	})
}

func FuzzAVPs(f *testing.F) {
	name := avp{0, avpUserName, []byte("ann")}.encode()
	for _, seed := range [][]byte{
		{}, name, append(name, name...), name[:7], name[:10], append(name, avp{0, avpUserPassword, []byte("secret\x00\x00")}.encode()...),
		avp{vendorMicrosoft, avpMS2Response, make([]byte, 50)}.encode(), avp{vendorMicrosoft, avpMS2Response, make([]byte, 49)}.encode(),
		avp{0, 999, []byte("a mandatory one nobody knows")}.encode(), {0, 0, 0, 1, 0x40, 0xff, 0xff, 0xff}, {0, 0, 0, 1, 0x40, 0, 0, 7},
		{0, 0, 0, 1, 0x80, 0, 0, 11}, {0, 0, 0, 1, 0, 0, 0, 9, 'a'}, bytes.Repeat(avp{0, avpEAPMessage, []byte{2}}.encode(), 40),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := decodeAVPs(b)
		if err != nil {
			return
		}
		size := 0
		for _, a := range all {
			size += len(a.data)
		}
		if size > len(b) {
			t.Errorf("%d bytes were read out of %d", size, len(b))
		}
	})
}

func FuzzTLVs(f *testing.F) {
	for _, seed := range [][]byte{{}, resultSuccess, {0x80, 3, 0, 2, 0, 2}, {0x80, 3, 0, 3, 0, 1}, {0, 3, 0xff, 0xff, 0, 1}, append([]byte{0, 12, 0, 1, 0}, resultSuccess...), {0x80, 3, 0, 0}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if agrees(b) && !bytes.Contains(b, resultSuccess[2:]) {
			t.Errorf("% x agrees", b)
		}
	})
}

func FuzzMSCHAPv2(f *testing.F) {
	right := append([]byte{2, 1, 0, 57, 49}, make([]byte, 52)...)
	for _, seed := range [][]byte{{}, right, right[:54], right[:53], append([]byte{2, 1, 0, 57, 16}, right[5:]...), {3}, append([]byte{3, 1, 0, 57, 49}, right[5:]...)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v := &mschapv2{identity: "ann"}
		if v.opening() == nil {
			t.Fatal("no challenge")
		}
		proof, err := v.decode(Packet{Code: Response, Type: TypeMSCHAPv2, Data: b})
		if err == nil && (len(b) < 54 || proof.Authenticator != v.challenge || proof.Name == "") {
			t.Errorf("% x is read as %+v", b, proof)
		}
	})
}

// FuzzConversation sends whatever the fuzzer says, as messages with the right
// identifier: two octets of length, then type and data. Nothing of it may be
// accepted, and every message has at most one answer.
func FuzzConversation(f *testing.F) {
	message := func(data ...byte) []byte {
		return append(binary.BigEndian.AppendUint16(nil, uint16(len(data))), data...)
	}
	script := func(messages ...[]byte) []byte { return bytes.Join(messages, nil) }
	var hello bytes.Buffer
	_ = tls.Client(only{&hello}, clientConfig(nil)).Handshake()
	long := func(n uint32, data ...byte) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{21, flagLength}, n), data...)
	}
	for _, seed := range [][]byte{
		script(message(21, 0)), script(message(3, 25)), script(message(3, 25), message(25, 0)), script(message(3)), script(message(3, 99)),
		script(message(1, 'b')), script(message(21)), script(message(21, flagStart)), script(message(21, 1)),
		script(message(append([]byte{21, 0}, hello.Bytes()...)...)),
		script(message(append([]byte{21, 0}, hello.Bytes()...)...), message(21, 0), message(21, 0), message(21, 0)),
		script(message(append([]byte{21, flagMore}, hello.Bytes()[:90]...)...), message(append([]byte{21, 0}, hello.Bytes()[90:]...)...)),
		script(message(append([]byte{21, flagMore}, hello.Bytes()[:90]...)...), message(21, flagStart)),
		script(message(append([]byte{21, 0}, hello.Bytes()...)...), message(21, 0, 1, 2, 3)),
		script(message(long(0)...)), script(message(long(0xffffffff, 1)...)), script(message(long(1, 1, 2)...)), script(message(long(9, 1)...)),
		script(message(append(long(70000), 1)...)), script(message(21, flagLength, 1)), script(message(21, flagMore)),
		script(message(3, 4), message(4, 16)), script(message(3, 26), message(26, 2, 1, 0, 57, 49)), script(message(3, 6), message(6)),
	} {
		f.Add(seed)
	}
	cfg := &Config{
		Methods: []Method{TTLSPAP, TTLSMSCHAPv2, PEAPMSCHAPv2, EAPTLS, EAPMD5, EAPMSCHAPv2},
		TLS:     &tls.Config{Certificates: []tls.Certificate{certificate(f, "radius.example.org")}},
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		j := &judge{accept: func(Credential) bool { return false }}
		c := New(cfg, j)
		defer c.Close()
		step, err := c.Next(t.Context(), Packet{Response, 1, TypeIdentity, []byte("ann")}.Encode())
		for err == nil && !step.Done && len(script) > 2 {
			n := min(int(binary.BigEndian.Uint16(script)), len(script)-2, maxPacket-4)
			said := script[2 : 2+n]
			script = script[2+n:]
			if n == 0 {
				continue
			}
			p := Packet{Response, step.Message[1], Type(said[0]), said[1:]}
			step, err = c.Next(context.Background(), p.Encode())
		}
		if err != nil {
			t.Fatalf("a well-formed message with the right identifier: %v", err)
		}
		if step.Decision.Outcome == policy.Accept || step.MSK != nil || len(j.shown) > 1 {
			t.Errorf("it ends with %+v after %d judgements", step, len(j.shown))
		}
	})
}
