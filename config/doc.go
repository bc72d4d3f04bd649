// Package config reads Postern's one configuration file, which is TOML. Config
// is that file as a struct; each field's comment says what it means, its
// default and, where there is one, its danger.
//
// Reading is strict. A key that is not known is an error that names its line
// and the nearest key there is; a syntax error stands alone; everything else
// that is wrong is reported at once. A key left out has the default that the
// shipped config.toml shows, except that a listener left out is off.
//
// Each part of Postern adds a struct of its own for its table, with a check
// method beside it. The package imports nothing of Postern's own: what it
// reads are plain values, which cmd/postern turns into what the packages want.
package config
