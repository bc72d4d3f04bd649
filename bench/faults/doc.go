// Package faults breaks a running installation in the ways machines break it,
// and checks over the history what was kept: nothing that was acknowledged is
// lost, and nothing is half done. It holds tests only.
package faults
