// Package browsertest drives a real browser through the portal of the real
// binary. It is a module of its own, so that what drives the browser stays out
// of the product's go.mod; it holds tests and nothing else.
package browsertest
