package radiussrv

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2759"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"postern/radiussrv/attribute"
	"postern/radiussrv/eap"
	"postern/secret"
)

// Question is what Ask asks.
type Question struct {
	Login    string
	Password secret.Text // 128 bytes at most
	Method   Method      // PAP, CHAP or MSCHAPv2
	NAS      string      // what the device calls itself
	Wait     time.Duration
}

// Answer is what a server said.
type Answer struct {
	Code       string   // "Access-Accept"
	Attributes []string // as attribute.Format writes them, without the signature
}

// Ask sends one Access-Request with a Message-Authenticator, as a device would,
// and returns the answer; nil without an error is silence. An answer that was
// not made with the shared secret is an error.
func Ask(ctx context.Context, address string, shared secret.Text, q Question) (*Answer, error) {
	request, err := q.encode([]byte(shared.Reveal()))
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "udp", address)
	if err != nil {
		return nil, fmt.Errorf("reaching the RADIUS server: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(q.Wait)); err != nil {
		return nil, fmt.Errorf("setting a deadline: %w", err)
	}
	if _, err := conn.Write(request); err != nil {
		return nil, fmt.Errorf("sending the request: %w", err)
	}
	answer := make([]byte, radius.MaxPacketLength)
	n, err := conn.Read(answer)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("waiting for an answer: %w", err)
	}
	return readAnswer(answer[:n], request, []byte(shared.Reveal()))
}

func (q Question) encode(key []byte) ([]byte, error) {
	p := radius.New(radius.CodeAccessRequest, key)
	p.Add(rfc2869.MessageAuthenticator_Type, zeros[:])
	p.Add(rfc2865.UserName_Type, []byte(q.Login))
	p.Add(rfc2865.NASIdentifier_Type, []byte(q.NAS))
	if err := q.present(p); err != nil {
		return nil, err
	}
	raw, err := p.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("putting the request together: %w", err)
	}
	mac := hmac.New(md5.New, key)
	mac.Write(raw)
	copy(raw[replyMAC:], mac.Sum(nil))
	return raw, nil
}

// present adds the password in the way of the method.
func (q Question) present(p *radius.Packet) error {
	clear := []byte(q.Password.Reveal())
	var challenge, peer [16]byte
	_, err := io.ReadFull(rand.Reader, challenge[:])
	if _, again := io.ReadFull(rand.Reader, peer[:]); err != nil || again != nil {
		return fmt.Errorf("making a challenge: %w", errors.Join(err, again))
	}
	switch q.Method {
	case PAP:
		hidden, err := radius.NewUserPassword(clear, p.Secret, p.Authenticator[:])
		if err != nil {
			return fmt.Errorf("the password does not fit a RADIUS request (128 bytes at most): %w", err)
		}
		p.Add(rfc2865.UserPassword_Type, hidden)
	case CHAP:
		p.Add(rfc2865.CHAPChallenge_Type, challenge[:])
		p.Add(rfc2865.CHAPPassword_Type, append([]byte{1}, eap.CHAPResponse(1, clear, challenge[:])...))
	case MSCHAPv2:
		response, err := rfc2759.GenerateNTResponse(challenge[:], peer[:], []byte(q.Login), clear)
		if err != nil {
			return fmt.Errorf("making an MS-CHAPv2 response: %w", err)
		}
		value := append(append([]byte{1, 0}, peer[:]...), make([]byte, 8)...)
		p.Attributes = append(p.Attributes, vendorMS(msChallenge, challenge[:]), vendorMS(msResponse2, append(value, response...)))
	default:
		return fmt.Errorf("method %s takes more than one request", q.Method)
	}
	return nil
}

func readAnswer(answer, request, key []byte) (*Answer, error) {
	if !radius.IsAuthenticResponse(answer, request, key) {
		return nil, errors.New("the answer was not made with the shared secret")
	}
	p, err := radius.Parse(answer, key)
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	a := &Answer{Code: p.Code.String()}
	for _, avp := range p.Attributes {
		if avp.Type != rfc2869.MessageAuthenticator_Type {
			a.Attributes = append(a.Attributes, attribute.Format(*avp))
		}
	}
	return a, nil
}
