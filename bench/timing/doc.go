// Package timing shows that a refusal tells nothing by its bytes or its time:
// it asks the plain binary over real sockets. It holds tests only.
package timing
