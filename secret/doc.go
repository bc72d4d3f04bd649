// Package secret holds secrets so that they cannot print themselves, and the
// arithmetic on them: Argon2id for primary passwords, generation, spelling and
// digests of app passwords, TOTP, and the keys that digests, row MACs and
// sealed values are made with.
//
// It is a leaf: it may import nothing of Postern's own, no network and no
// database.
package secret
