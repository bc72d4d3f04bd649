package load

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // RADIUS is built on it
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// silence is how long no answer at all may come before a run has failed.
const silence = 20 * time.Second

// PAP encodes an Access-Request with its Message-Authenticator first, as a
// device sends it. The authenticator is random and not secret: it is a load,
// not an exchange that anybody could listen to.
func PAP(id byte, login, password string, secret []byte) []byte {
	b := make([]byte, 20, 128)
	b[0], b[1] = 1, id
	binary.LittleEndian.PutUint64(b[4:], rand.Uint64())
	binary.LittleEndian.PutUint64(b[12:], rand.Uint64())
	b = AppendAttribute(b, 80, make([]byte, 16))
	b = AppendAttribute(b, 1, []byte(login))
	b = AppendAttribute(b, 2, Hide(password, secret, b[4:20]))
	b = AppendAttribute(b, 4, []byte{127, 0, 0, 1})
	b = AppendAttribute(b, 31, []byte("00-11-22-33-44-55"))
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	mac := hmac.New(md5.New, secret)
	mac.Write(b)
	copy(b[22:38], mac.Sum(nil))
	return b
}

// AppendAttribute appends an attribute of RADIUS to b.
func AppendAttribute(b []byte, kind byte, value []byte) []byte {
	return append(append(b, kind, byte(2+len(value))), value...)
}

// Hide returns a password as User-Password carries it (RFC 2865 §5.2).
func Hide(password string, secret, authenticator []byte) []byte {
	padded := make([]byte, max(16, (len(password)+15)/16*16))
	copy(padded, password)
	last := authenticator
	for i := 0; i < len(padded); i += 16 {
		key := md5.Sum(append(append([]byte(nil), secret...), last...)) //nolint:gosec // as above
		for j := range key {
			padded[i+j] ^= key[j]
		}
		last = padded[i : i+16]
	}
	return padded
}

// RADIUS is a socket's part in a load of PAP. Its requests are told apart by
// their identifiers: one waits while another with the same is on the way.
type RADIUS struct {
	// Requests are said once each, in order. One that was said before would be
	// answered from what the server keeps for retransmissions.
	Requests [][]byte
	Secret   []byte

	at     int
	on     [256][]byte // on the way, by identifier
	checks int
}

// checkEvery is which answers have their authenticators computed again: all
// would cost more than the servers.
const checkEvery = 64

// Next returns the next request.
func (r *RADIUS) Next() []byte {
	if r.at == len(r.Requests) {
		return nil
	}
	request := r.Requests[r.at]
	if r.on[request[1]] != nil {
		return nil
	}
	r.at++
	r.on[request[1]] = request
	return request
}

// Take takes one datagram.
func (r *RADIUS) Take(reply []byte) (n, ended int, err error) {
	if len(reply) < 20 || reply[0] != 2 {
		return 0, 0, fmt.Errorf("the answer is no Access-Accept: %x", reply)
	}
	request := r.on[reply[1]]
	if request == nil {
		return 0, 0, errors.New("an answer came to no request")
	}
	r.on[reply[1]] = nil
	if r.checks++; r.checks%checkEvery == 0 && !authentic(reply, request, r.Secret) {
		return 0, 0, errors.New("the Response Authenticator is wrong")
	}
	return len(reply), 1, nil
}

// authentic is RFC 2865 §3.
func authentic(reply, request, secret []byte) bool {
	sum := md5.New() //nolint:gosec // as above
	sum.Write(reply[:4])
	sum.Write(request[4:20])
	sum.Write(reply[20:])
	sum.Write(secret)
	return [16]byte(sum.Sum(nil)) == [16]byte(reply[4:20])
}
