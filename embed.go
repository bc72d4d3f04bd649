// Package postern carries the shipped configuration, so that the binary can
// write it: the file that people read in the repository and the one that
// "postern init" makes are the same.
package postern

import _ "embed"

// ShippedConfig is config.toml as it stands in the repository.
//
//go:embed config.toml
var ShippedConfig []byte
