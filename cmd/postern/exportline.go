package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"postern/directory"
	"postern/policy"
)

// ecsVersion is the version of the Elastic Common Schema that the names of an
// exported line are taken from. What the schema has no name for stands under
// "postern".
const ecsVersion = "8.17.0"

// ecsLine is one exported event. Its names are stable.
type ecsLine struct {
	Timestamp string     `json:"@timestamp"`
	ECS       ecsSchema  `json:"ecs"`
	Event     ecsEvent   `json:"event"`
	Service   ecsNamed   `json:"service"`
	User      *ecsUser   `json:"user,omitempty"`
	Source    *ecsSource `json:"source,omitempty"`
	Network   *ecsNet    `json:"network,omitempty"`
	Postern   ecsOwn     `json:"postern"`
}

type ecsSchema struct {
	Version string `json:"version"`
}

type ecsNamed struct {
	Name string `json:"name"`
}

type ecsEvent struct {
	ID       string   `json:"id"`
	Kind     string   `json:"kind"`
	Category []string `json:"category"`
	Type     []string `json:"type"`
	Action   string   `json:"action"`
	Outcome  string   `json:"outcome"`
	Reason   string   `json:"reason,omitempty"`
	Module   string   `json:"module"`
	Dataset  string   `json:"dataset"`
	Start    string   `json:"start"`
	End      string   `json:"end"`
}

type ecsUser struct {
	ID     string   `json:"id,omitempty"`
	Name   string   `json:"name,omitempty"`
	Target *ecsUser `json:"target,omitempty"` // whose account was changed
}

type ecsSource struct {
	Address string `json:"address"`
	IP      string `json:"ip,omitempty"`
}

type ecsNet struct {
	Protocol string `json:"protocol"`
}

// ecsOwn holds what is Postern's own, under the names of "events --json".
type ecsOwn struct {
	Outcome    string `json:"outcome,omitempty"`
	Service    string `json:"service,omitempty"`
	Method     string `json:"method,omitempty"`
	Client     string `json:"client,omitempty"`
	Reported   string `json:"reported_source,omitempty"`
	Credential string `json:"app_password_id,omitempty"`
	Unknown    string `json:"unknown_login_digest,omitempty"`
	Actor      string `json:"actor,omitempty"`
	Detail     string `json:"detail,omitempty"`
	Count      int64  `json:"count"`
}

// exportLine is the event as one line of JSON, without its newline.
func exportLine(ev directory.Event) ([]byte, error) {
	stamp := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
	category, kind := ecsCategory(ev)
	line := ecsLine{
		Timestamp: stamp(ev.At), ECS: ecsSchema{ecsVersion}, Service: ecsNamed{"postern"},
		Event: ecsEvent{
			ID: ev.ID, Kind: "event", Category: category, Type: kind, Action: string(ev.Kind), Outcome: ecsOutcome(ev),
			Reason: ev.Reason, Module: "postern", Dataset: "postern.events", Start: stamp(ev.At), End: stamp(ev.LastAt),
		},
		User: ecsWho(ev),
		Postern: ecsOwn{
			Outcome: ev.Outcome, Service: ev.Service, Method: ev.Method, Client: ev.Client, Reported: ev.Reported,
			Credential: ev.Credential, Unknown: ev.Unknown, Actor: ev.Actor, Detail: ev.Detail, Count: ev.Count,
		},
	}
	if ev.Protocol != "" {
		line.Network = &ecsNet{ev.Protocol}
	}
	if ev.Source != "" {
		line.Source = &ecsSource{Address: ev.Source}
		if _, err := netip.ParseAddr(ev.Source); err == nil {
			line.Source.IP = ev.Source
		}
	}
	text, err := json.Marshal(line)
	if err != nil {
		return nil, fmt.Errorf("writing an event as JSON: %w", err)
	}
	return text, nil
}

func isSignIn(ev directory.Event) bool {
	return ev.Kind == directory.EventSignIn || ev.Kind == directory.EventBreakGlass
}

func ecsCategory(ev directory.Event) (category, kind []string) {
	switch {
	case isSignIn(ev):
		return []string{"authentication"}, []string{"start"}
	case ev.Kind == directory.EventNotRecorded:
		return []string{"authentication"}, []string{"info"}
	case ev.Kind == directory.EventDisconnect, ev.Kind == directory.EventSessionBroken:
		return []string{"session"}, []string{"end"}
	case strings.HasPrefix(string(ev.Kind), "group_"):
		return []string{"iam"}, []string{"group", "change"}
	}
	return []string{"iam"}, []string{"user", "change"}
}

// ecsOutcome is what the schema knows of outcomes: what was not decided is
// unknown, and a change that is recorded was made.
func ecsOutcome(ev directory.Event) string {
	switch {
	case ev.Kind == directory.EventNotRecorded:
		return "unknown"
	case !isSignIn(ev), ev.Outcome == policy.Accept.String():
		return "success"
	case ev.Outcome == policy.Reject.String():
		return "failure"
	}
	return "unknown"
}

// ecsWho is who signed in, or who changed whom.
func ecsWho(ev directory.Event) *ecsUser {
	var account *ecsUser
	if ev.AccountID != "" {
		account = &ecsUser{ID: ev.AccountID, Name: ev.Login}
	}
	if isSignIn(ev) || ev.Actor == "" {
		return account
	}
	_, name, _ := strings.Cut(ev.Actor, ":")
	return &ecsUser{Name: name, Target: account}
}
