package radiussrv

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"postern/radiussrv/attribute"
	"postern/secret"
)

// Question is what AskPAP asks.
type Question struct {
	Login    string
	Password secret.Text // 128 bytes at most
	NAS      string      // what the device calls itself
	Wait     time.Duration
}

// Answer is what a server said.
type Answer struct {
	Code       string   // "Access-Accept"
	Attributes []string // as attribute.Format writes them, without the signature
}

// AskPAP sends one Access-Request with a Message-Authenticator, as a device
// would, and returns the answer; nil without an error is silence. An answer
// that was not made with the shared secret is an error.
func AskPAP(ctx context.Context, address string, shared secret.Text, q Question) (*Answer, error) {
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
	hidden, err := radius.NewUserPassword([]byte(q.Password.Reveal()), key, p.Authenticator[:])
	if err != nil {
		return nil, fmt.Errorf("the password does not fit a RADIUS request (128 bytes at most): %w", err)
	}
	p.Add(rfc2869.MessageAuthenticator_Type, zeros[:])
	p.Add(rfc2865.UserName_Type, []byte(q.Login))
	p.Add(rfc2865.UserPassword_Type, hidden)
	p.Add(rfc2865.NASIdentifier_Type, []byte(q.NAS))
	raw, err := p.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("putting the request together: %w", err)
	}
	mac := hmac.New(md5.New, key)
	mac.Write(raw)
	copy(raw[replyMAC:], mac.Sum(nil))
	return raw, nil
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
