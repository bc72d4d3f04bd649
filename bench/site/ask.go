package site

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // RADIUS is built on it
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"postern/bench/load"
	"postern/ldapsrv/ber"
	"postern/ldapsrv/wire"
)

// patience bounds the wait for an answer.
const patience = time.Minute

// LDAP is a connection for binds. It belongs to one caller at a time.
type LDAP struct {
	conn net.Conn
	id   int32
}

// DialLDAP connects to a server.
func DialLDAP(address string) (*LDAP, error) { return DialLDAPFrom("", address) }

// DialLDAPFrom connects from an address of this machine; "" for any.
func DialLDAPFrom(from, address string) (*LDAP, error) {
	dial := net.Dialer{Timeout: patience}
	if from != "" {
		dial.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	conn, err := dial.Dial("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connecting to the LDAP server: %w", err)
	}
	return &LDAP{conn: conn}, nil
}

// OverLDAP speaks over a connection that is there, such as one under TLS.
func OverLDAP(conn net.Conn) *LDAP { return &LDAP{conn: conn} }

// Close ends the connection.
func (l *LDAP) Close() { _ = l.conn.Close() }

// Bind binds as a person, and returns the result code and the whole answer but
// for its message id, which is made zero.
func (l *LDAP) Bind(login, password string) (wire.Code, []byte, error) {
	l.id = l.id%100 + 1
	if err := l.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, nil, err
	}
	if _, err := l.conn.Write(BindRequest(l.id, "uid="+login+",ou=people,dc=example,dc=org", password)); err != nil {
		return 0, nil, fmt.Errorf("sending a bind: %w", err)
	}
	head := make([]byte, 2, 64)
	if _, err := io.ReadFull(l.conn, head); err != nil {
		return 0, nil, fmt.Errorf("reading the answer to a bind: %w", err)
	}
	if head[1] >= 0x80 {
		return 0, nil, errors.New("the answer to a bind is long")
	}
	answer := append(head, make([]byte, head[1])...)
	if _, err := io.ReadFull(l.conn, answer[2:]); err != nil {
		return 0, nil, fmt.Errorf("reading the answer to a bind: %w", err)
	}
	code, err := resultCode(answer[2:], l.id)
	answer[4] = 0 // ids stay below 128: one octet
	return code, answer, err
}

func resultCode(message []byte, id int32) (wire.Code, error) {
	r := ber.NewReader(message)
	if got, err := r.Int(ber.Integer); err != nil || got != id {
		return 0, errors.New("the answer is to another message")
	}
	response, err := r.Read(wire.OpBindResponse)
	if err != nil {
		return 0, errors.New("the answer is no BindResponse")
	}
	result := ber.NewReader(response)
	code, err := result.Int(ber.Enumerated)
	return wire.Code(code), err
}

// BindRequest encodes a simple bind.
func BindRequest(id int32, name, password string) []byte {
	b, message := ber.Begin(nil, ber.Sequence)
	b = ber.AppendInt(b, ber.Integer, id)
	b, bind := ber.Begin(b, wire.OpBind)
	b = ber.AppendInt(b, ber.Integer, 3)
	b = ber.AppendString(b, ber.OctetString, name)
	b = ber.AppendString(b, ber.Context(0), password)
	return ber.End(ber.End(b, bind), message)
}

// RADIUS is a socket for PAP. It belongs to one caller at a time.
type RADIUS struct {
	conn   net.Conn
	secret []byte
	id     byte
}

// DialRADIUS opens a socket to a server.
func DialRADIUS(address, secret string) (*RADIUS, error) {
	return DialRADIUSFrom("", address, secret)
}

// DialRADIUSFrom opens one at an address of this machine; "" for any.
func DialRADIUSFrom(from, address, secret string) (*RADIUS, error) {
	dial := net.Dialer{Timeout: patience}
	if from != "" {
		dial.LocalAddr = &net.UDPAddr{IP: net.ParseIP(from)}
	}
	conn, err := dial.Dial("udp", address)
	if err != nil {
		return nil, fmt.Errorf("reaching the RADIUS server: %w", err)
	}
	return &RADIUS{conn: conn, secret: []byte(secret)}, nil
}

// Close closes the socket.
func (r *RADIUS) Close() { _ = r.conn.Close() }

// again is how long a device waits before it asks again.
const again = 5 * time.Second

// PAP asks as a device does, again where nothing comes, and returns the code and
// the whole answer with what must differ made zero: identifier, authenticator
// and Message-Authenticator.
func (r *RADIUS) PAP(login, password string) (byte, []byte, error) {
	r.id++
	request, err := PAPRequest(r.id, login, password, r.secret)
	if err != nil {
		return 0, nil, err
	}
	answer, err := r.exchange(request)
	if err != nil {
		return 0, nil, fmt.Errorf("waiting for an answer: %w", err)
	}
	if len(answer) < 38 || answer[1] != r.id || answer[20] != 80 || answer[21] != 18 {
		return 0, nil, fmt.Errorf("the answer %x does not begin with a Message-Authenticator", answer)
	}
	answer[1] = 0
	clear(answer[4:20])
	clear(answer[22:38])
	return answer[0], answer, nil
}

// exchange sends the request until an answer with its identifier comes: what
// else comes answers an earlier one that was sent twice.
func (r *RADIUS) exchange(request []byte) ([]byte, error) {
	buf := make([]byte, 4096)
	for begun := time.Now(); ; {
		if _, err := r.conn.Write(request); err != nil {
			return nil, err
		}
		if err := r.conn.SetReadDeadline(time.Now().Add(again)); err != nil {
			return nil, err
		}
		n, err := r.conn.Read(buf)
		for err == nil && n > 1 && buf[1] != request[1] {
			n, err = r.conn.Read(buf)
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begun) > patience {
			return buf[:n], err
		}
	}
}

// PAPRequest encodes an Access-Request with its Message-Authenticator first.
func PAPRequest(id byte, login, password string, secret []byte) ([]byte, error) {
	b := make([]byte, 20, 128)
	b[0], b[1] = 1, id
	if _, err := io.ReadFull(rand.Reader, b[4:20]); err != nil {
		return nil, err
	}
	b = load.AppendAttribute(b, 80, make([]byte, 16))
	b = load.AppendAttribute(b, 1, []byte(login))
	b = load.AppendAttribute(b, 2, load.Hide(password, secret, b[4:20]))
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	mac := hmac.New(md5.New, secret)
	mac.Write(b)
	copy(b[22:38], mac.Sum(nil))
	return b, nil
}
