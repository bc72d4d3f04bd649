package secret

import (
	"encoding/binary"
	"unicode/utf16"

	// MS-CHAP is defined by MD4; only app passwords issued for it are hashed so.
	"golang.org/x/crypto/md4" //nolint:staticcheck // RFC 2759 §8.3 leaves no choice
)

// NTHash is MD4 of the password in UTF-16LE (RFC 2759 §8.3, NtPasswordHash).
// Whoever has it can answer any MS-CHAP challenge: it is kept sealed.
func NTHash(canonical Text) []byte {
	var encoded []byte
	for _, unit := range utf16.Encode([]rune(canonical.Reveal())) {
		encoded = binary.LittleEndian.AppendUint16(encoded, unit)
	}
	h := md4.New()
	h.Write(encoded)
	return h.Sum(nil)
}
