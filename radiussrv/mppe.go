package radiussrv

import (
	"crypto/rand"
	"fmt"
	"io"

	"layeh.com/radius"
)

// mppeKeys hides keys for the client that asked: MS-MPPE-Send-Key and
// MS-MPPE-Recv-Key (RFC 2548 §2.4.2), which carry what every EAP method leaves
// behind as well (RFC 3579 §3.16). Of a salt the first bit is set, and no two
// in a packet are the same.
func mppeKeys(request *radius.Packet, send, receive []byte) (radius.Attributes, error) {
	var salt [2]byte
	if _, err := io.ReadFull(rand.Reader, salt[:]); err != nil {
		return nil, fmt.Errorf("making a salt: %w", err)
	}
	salt[0] |= 0x80
	list := make(radius.Attributes, 0, 2)
	for _, k := range []struct {
		kind byte
		key  []byte
	}{{msSendKey, send}, {msReceiveKey, receive}} {
		hidden, err := radius.NewTunnelPassword(k.key, salt[:], request.Secret, request.Authenticator[:])
		if err != nil {
			return nil, fmt.Errorf("hiding a key: %w", err)
		}
		list = append(list, vendorMS(k.kind, hidden))
		salt[1] ^= 1
	}
	return list, nil
}
