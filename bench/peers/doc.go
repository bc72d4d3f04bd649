// Package peers runs the servers that Postern is compared with, and Postern,
// each with the same accounts, on a loopback port of its own and a
// configuration of its own: none of the system's services is started or
// touched. It needs Linux.
package peers
