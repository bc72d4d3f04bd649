// Package history holds what a server did against what it acknowledged: a
// record of attempts and changes with the time of each, and the properties that
// no fault may break.
package history

import (
	"sync"
	"time"
)

// Kind is what was asked.
type Kind uint8

// What was asked.
const (
	SignIn Kind = iota
	Issue
	Revoke
)

// Outcome is what came of it. The zero value says nothing: no answer came, or
// one that means neither yes nor no, and it may have happened or not.
type Outcome uint8

// What came of it.
const (
	Unknown Outcome = iota
	Yes             // acknowledged, or let in
	No              // refused; nothing was changed
)

// Op is one thing asked, from the moment it was begun to the moment its answer
// was there.
type Op struct {
	Kind Kind
	// Credential names the app password: its id, or for a secret that was never
	// issued anything that is no id. It is empty for an Issue without an answer.
	Credential string
	Begin, End time.Duration // since the beginning of the record
	Outcome    Outcome
}

// Log is a record. It may be used concurrently; its zero value is not ready.
type Log struct {
	began time.Time
	mu    sync.Mutex
	ops   []Op
}

// New begins a record.
func New() *Log { return &Log{began: time.Now()} }

// Do does something and records it. do returns which app password it was about
// and what came of it.
func (l *Log) Do(kind Kind, do func() (credential string, outcome Outcome)) Outcome {
	begin := time.Since(l.began)
	credential, outcome := do()
	op := Op{kind, credential, begin, time.Since(l.began), outcome}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ops = append(l.ops, op)
	return outcome
}

// Ops returns what is recorded so far.
func (l *Log) Ops() []Op {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Op(nil), l.ops...)
}

// Count says how many of a kind had an outcome.
func (l *Log) Count(kind Kind, outcome Outcome) (n int) {
	for _, op := range l.Ops() {
		if op.Kind == kind && op.Outcome == outcome {
			n++
		}
	}
	return n
}
