package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// State is what a server says of itself when its owner asks: what it holds,
// after a collection, and how many hashes of passwords it has computed.
type State struct {
	Goroutines  int
	Heap        int64  `json:"heap_live"`
	Connections int    `json:"ldap_connections"`
	Hashes      uint64 `json:"password_hashes"`
}

// State asks the server. Calls must not overlap.
func (p *Process) State() (State, error) {
	before := len(p.Log())
	if err := syscall.Kill(p.PID(), syscall.SIGUSR1); err != nil {
		return State{}, fmt.Errorf("asking for the state: %w", err)
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		for line := range strings.Lines(p.Log()[before:]) {
			var said struct {
				Msg string
				State
			}
			if json.Unmarshal([]byte(line), &said) == nil && said.Msg == "state" {
				return said.State, nil
			}
		}
	}
	return State{}, errors.New("the server does not say what it holds")
}
