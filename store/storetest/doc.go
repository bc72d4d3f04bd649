// Package storetest is the conformance suite of the storage: what an engine
// must do so that the promises made above it hold. Each engine's test calls
// Run with a way to open an empty database of its own.
//
// It may import what store may, and testing.
package storetest
