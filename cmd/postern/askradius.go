package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// What the demonstration needs of RADIUS (RFC 2865 §5, RFC 3579 §3.2).
const (
	accessRequest   = 1
	accessAccept    = 2
	accessReject    = 3
	attrUserName    = 1
	attrPassword    = 2
	attrSignature   = 80 // Message-Authenticator
	radiusHeader    = 20
	authenticatorAt = 4
)

// papRequest asks over PAP, as a RADIUS client would. MD5 is RADIUS's.
type papRequest struct {
	shared, login, password string
	authenticator           [16]byte
}

// ask sends the request and returns the code of the answer. An answer that was
// not made with the shared secret is an error.
func (r *papRequest) ask(ctx context.Context, address string, random io.Reader) (code byte, err error) {
	if _, err := io.ReadFull(random, r.authenticator[:]); err != nil {
		return 0, fmt.Errorf("reading randomness for a request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "udp", address)
	if err != nil {
		return 0, fmt.Errorf("reaching the RADIUS server: %w", err)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return 0, fmt.Errorf("setting a deadline: %w", err)
	}
	if _, err := conn.Write(r.encode()); err != nil {
		return 0, fmt.Errorf("sending the request: %w", err)
	}
	answer := make([]byte, 4096)
	n, err := conn.Read(answer)
	if err != nil {
		return 0, fmt.Errorf("waiting %s for an answer: %w", askWithin.Round(time.Second), err)
	}
	return r.verify(answer[:n])
}

// encode puts the Message-Authenticator first, where it protects what follows.
func (r *papRequest) encode() []byte {
	b := make([]byte, radiusHeader, 256)
	b[0], b[1] = accessRequest, 1
	copy(b[authenticatorAt:], r.authenticator[:])
	b = appendAttribute(b, attrSignature, make([]byte, md5.Size))
	b = appendAttribute(b, attrUserName, []byte(r.login))
	b = appendAttribute(b, attrPassword, r.hiddenPassword())
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	copy(b[radiusHeader+2:], r.sign(b))
	return b
}

func appendAttribute(b []byte, kind byte, value []byte) []byte {
	return append(append(b, kind, byte(2+len(value))), value...)
}

// hiddenPassword is RFC 2865 §5.2.
func (r *papRequest) hiddenPassword() []byte {
	hidden := make([]byte, (max(1, len(r.password))+15)/16*16)
	copy(hidden, r.password)
	last := r.authenticator[:]
	for at := 0; at < len(hidden); at += 16 {
		pad := md5.Sum(append([]byte(r.shared), last...))
		for i := range pad {
			hidden[at+i] ^= pad[i]
		}
		last = hidden[at : at+16]
	}
	return hidden
}

func (r *papRequest) sign(packet []byte) []byte {
	mac := hmac.New(md5.New, []byte(r.shared))
	mac.Write(packet)
	return mac.Sum(nil)
}

// verify checks that the answer is to this request and knows the secret, by
// both of its authenticators.
func (r *papRequest) verify(answer []byte) (code byte, err error) {
	forged := errors.New("the answer was not made with the shared secret")
	const signed = radiusHeader + 2 + md5.Size
	if len(answer) < signed || int(binary.BigEndian.Uint16(answer[2:])) != len(answer) ||
		answer[radiusHeader] != attrSignature || answer[radiusHeader+1] != 2+md5.Size {
		return 0, forged
	}
	packet := bytes.Clone(answer)
	copy(packet[authenticatorAt:], r.authenticator[:])
	sum := md5.Sum(append(bytes.Clone(packet), r.shared...))
	signature := answer[radiusHeader+2 : signed]
	clear(packet[radiusHeader+2 : signed])
	if !hmac.Equal(sum[:], answer[authenticatorAt:radiusHeader]) || !hmac.Equal(r.sign(packet), signature) {
		return 0, forged
	}
	return answer[0], nil
}
