//go:build !linux

package store

// refuseNetworkDisk knows no way to ask here: docs/operations.md asks for a
// local disk.
func refuseNetworkDisk(string) error { return nil }
