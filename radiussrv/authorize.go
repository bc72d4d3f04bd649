package radiussrv

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"postern/policy"
	"postern/radiussrv/attribute"
)

// Reply adds attributes to every Access-Accept for which all of its conditions
// hold; one left empty always holds.
type Reply struct {
	Group       string // normalised name; nested membership counts
	Service     string
	Client      string // name of the RADIUS client
	AppPassword string // id of the app password that was used
	Attributes  []attribute.Attribute
}

// Groups tells the groups of an account, by nesting too, as normalised names.
type Groups interface {
	GroupsOf(ctx context.Context, accountID string) ([]string, error)
}

// SetReplies replaces Config.Replies for every accept from now on. Of several
// replies that give the same attribute the first in the list counts.
func (s *Server) SetReplies(list []Reply) {
	list = slices.Clone(list)
	s.replies.Store(&list)
}

// authorize returns what an accept carries beside what its method needs. With
// an error it must not be an accept: a device would put the person into the
// wrong network.
func (l *listener) authorize(x *exchange, d policy.Decision) (radius.Attributes, error) {
	rules := *l.replies.Load()
	var out radius.Attributes
	if len(rules) > 0 {
		ctx := &patience{Context: context.Background(), deadline: x.received.Add(l.cfg.Deadline)}
		defer ctx.end()
		matching, err := l.matching(ctx, rules, x.client.Name, d)
		if err != nil {
			return nil, fmt.Errorf("putting together a reply: %w", err)
		}
		out = merge(matching)
	}
	out = endBy(out, d.Ends, x.received)
	if !l.cfg.Classes || d.Account == "" {
		return out, nil
	}
	class, err := classOf(l.cfg.Grants, d)
	return append(out, class), err
}

func ptr(a radius.AVP) *radius.AVP { return &a }

// matching returns the rules that hold. Groups are asked for only where one of
// them could.
func (l *listener) matching(ctx context.Context, rules []Reply, client string, d policy.Decision) (list []Reply, err error) {
	var groups []string
	asked := false
	for _, r := range rules {
		if !r.fits(client, d) {
			continue
		}
		if r.Group != "" {
			if l.cfg.Groups == nil {
				return nil, errors.New("nothing here knows of groups")
			}
			if !asked {
				if groups, err = l.cfg.Groups.GroupsOf(ctx, d.Account); err != nil {
					return nil, err
				}
				asked = true
			}
			if !slices.Contains(groups, r.Group) {
				continue
			}
		}
		list = append(list, r)
	}
	return list, nil
}

// fits looks at all conditions but the group.
func (r Reply) fits(client string, d policy.Decision) bool {
	return (r.Client == "" || r.Client == client) && (r.Service == "" || r.Service == d.Service) &&
		(r.AppPassword == "" || r.AppPassword == d.Credential)
}

// merge puts the attributes of rules together. A rule may give one attribute
// several times; a later rule adds nothing to it.
func merge(rules []Reply) (out radius.Attributes) {
	given := make(map[string]int)
	for i, r := range rules {
		for _, a := range r.Attributes {
			if by, ok := given[a.Key]; ok && by != i {
				continue
			}
			given[a.Key] = i
			out = append(out, ptr(a.AVP))
		}
	}
	return out
}

// endBy lowers Session-Timeout, or adds it, so that a session ends no later
// than what it was granted for: for devices that cannot be told to end it.
func endBy(out radius.Attributes, ends, now time.Time) radius.Attributes {
	if ends.IsZero() {
		return out
	}
	left := uint32(min(max(ends.Sub(now)/time.Second, 1), 1<<31))
	for _, a := range out {
		if a.Type == rfc2865.SessionTimeout_Type && len(a.Attribute) == 4 {
			if binary.BigEndian.Uint32(a.Attribute) > left {
				a.Attribute = binary.BigEndian.AppendUint32(nil, left)
			}
			return out
		}
	}
	return append(out, &radius.AVP{Type: rfc2865.SessionTimeout_Type, Attribute: binary.BigEndian.AppendUint32(nil, left)})
}
