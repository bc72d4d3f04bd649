// Package people makes up the accounts that servers are compared with: the
// same ones, with the same passwords, for each of them.
package people

import (
	"crypto/sha1" //nolint:gosec // {SSHA} is what the peers are compared with
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"postern/directory"
	"postern/secret"
)

// Base is where they live.
const Base = "dc=example,dc=org"

// PerAccount is how many app passwords each of them has.
const PerAccount = 3

// Login is the login of the account with that number.
func Login(i int) string { return fmt.Sprintf("u%07d", i) }

// DN is its name in the directory.
func DN(i int) string { return "uid=" + Login(i) + ",ou=people," + Base }

// Password is the app password with that number, from 0 up, of an account.
func Password(i, j int) string {
	text, err := secret.NewAppPassword(source("password", i, j), secret.Standard)
	if err != nil {
		panic(err) // the source never fails
	}
	return text.Reveal()
}

// ID is the UUID of the account, or with a j from 0 up of its app password.
func ID(i, j int) string {
	id, err := directory.NewID(source("id", i, j))
	if err != nil {
		panic(err) // the source never fails
	}
	return id
}

// salted is the SHA-1 digest of a password with its salt behind it.
func salted(i, j int) []byte {
	var salt [8]byte
	_, _ = source("salt", i, j).Read(salt[:])                   // never fails
	sum := sha1.Sum(append([]byte(Password(i, j)), salt[:]...)) //nolint:gosec // as above
	return append(sum[:], salt[:]...)
}

// source is randomness that is the same in every run.
func source(kind string, i, j int) *rand.ChaCha8 {
	var seed [32]byte
	copy(seed[:8], kind)
	binary.BigEndian.PutUint64(seed[8:], uint64(i))
	binary.BigEndian.PutUint64(seed[16:], uint64(int64(j)))
	return rand.NewChaCha8(seed)
}
