package radiussrv

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/subtle"
	"hash"
	"sync"

	"layeh.com/radius"

	"postern/secret"
)

// signer computes the authenticators of one shared secret. It is used by one
// goroutine at a time; its hashes keep the key's inner state, which saves half
// of what a small packet costs.
type signer struct {
	secret []byte
	mac    hash.Hash // HMAC-MD5
	md5    hash.Hash
	sum    [md5.Size]byte
}

// keyring lends signers of one secret. It may be used concurrently.
type keyring struct {
	secret  []byte
	signers *sync.Pool
}

func newKeyring(shared secret.Text) keyring {
	key := []byte(shared.Reveal())
	return keyring{secret: key, signers: &sync.Pool{New: func() any {
		return &signer{secret: key, mac: hmac.New(md5.New, key), md5: md5.New()}
	}}}
}

func (k keyring) get() *signer  { return k.signers.Get().(*signer) }
func (k keyring) put(s *signer) { k.signers.Put(s) }

var zeros [macLen]byte

// messageAuthentic reports whether the Message-Authenticator whose value
// starts at offset mac is right: HMAC-MD5 over the packet with that value
// zeroed (RFC 3579 §3.2), and for accounting with a zeroed authenticator as
// well, which is computed afterwards.
func (s *signer) messageAuthentic(packet []byte, mac int) bool {
	s.mac.Reset()
	if radius.Code(packet[0]) == radius.CodeAccountingRequest {
		s.mac.Write(packet[:4])
		s.mac.Write(zeros[:])
		s.mac.Write(packet[headerLen:mac])
	} else {
		s.mac.Write(packet[:mac])
	}
	s.mac.Write(zeros[:])
	s.mac.Write(packet[mac+macLen:])
	return subtle.ConstantTimeCompare(s.mac.Sum(s.sum[:0]), packet[mac:mac+macLen]) == 1
}

// accountingAuthentic checks the Request Authenticator of an
// Accounting-Request (RFC 2866 §3).
func (s *signer) accountingAuthentic(packet []byte) bool {
	s.md5.Reset()
	s.md5.Write(packet[:4])
	s.md5.Write(zeros[:])
	s.md5.Write(packet[headerLen:])
	s.md5.Write(s.secret)
	return subtle.ConstantTimeCompare(s.md5.Sum(s.sum[:0]), packet[4:headerLen]) == 1
}

// seal completes a reply that still carries the Request Authenticator: first
// its Message-Authenticator where it has one, which must be its first
// attribute, then the Response Authenticator (RFC 2865 §3).
func (s *signer) seal(reply []byte, signed bool) {
	if signed {
		s.mac.Reset()
		s.mac.Write(reply)
		copy(reply[replyMAC:replyMAC+macLen], s.mac.Sum(s.sum[:0]))
	}
	s.md5.Reset()
	s.md5.Write(reply)
	s.md5.Write(s.secret)
	copy(reply[4:headerLen], s.md5.Sum(s.sum[:0]))
}

// reveal undoes the hiding of a User-Password (RFC 2865 §5.2) into buf and
// returns the part of buf that holds it, padding included. The codec has a
// function for this that ends the password at its first NUL octet, so that
// what follows would not count.
func (s *signer) reveal(buf *[128]byte, hidden []byte, authenticator []byte) []byte {
	previous := authenticator
	for at := 0; at < len(hidden); at += md5.Size {
		s.md5.Reset()
		s.md5.Write(s.secret)
		s.md5.Write(previous)
		block := hidden[at : at+md5.Size]
		subtle.XORBytes(buf[at:at+md5.Size], block, s.md5.Sum(s.sum[:0]))
		previous = block
	}
	return buf[:len(hidden)]
}
