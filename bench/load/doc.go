// Package load drives servers with requests that were encoded beforehand, over
// real sockets. What it costs is part of every figure it gives, so it is made
// to cost little: a closed loop is one thread on epoll, and therefore Linux
// only. A run with any error, any answer that is not the one expected, or any
// answer missing is no figure: it ends with an error.
package load
