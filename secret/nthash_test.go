package secret

import (
	"encoding/hex"
	"testing"
)

func TestNTHashOfKnownPasswords(t *testing.T) {
	for password, want := range map[string]string{
		"clientPass": "44ebba8d5312b8d611474411f56989ae", // RFC 2759 §9.2
		// Computed apart from Go, as is the pair of units D83D DD11.
		"ü":          "8bd6e4fb88e01009818749c5443ea712",
		"\U0001f511": "5f7b3ff474e4237afd6a078f3c4d8632",
		"":           "31d6cfe0d16ae931b73c59d7e0c089c0", // MD4 of nothing, RFC 1320 appendix A.5
		"password":   "8846f7eaee8fb117ad06bdd830b7586c",
	} {
		if got := hex.EncodeToString(NTHash(NewText(password))); got != want {
			t.Errorf("%q: %s, want %s", password, got, want)
		}
	}
}
