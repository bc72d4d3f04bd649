package main

import (
	"context"
	"fmt"

	"postern/config"
	"postern/radiussrv"
	"postern/radiussrv/attribute"
	"postern/store"
)

// repliesOf is what the configuration says of replies, each attribute checked
// against the dictionary. The error is a *config.Error.
func repliesOf(c *config.Config) ([]radiussrv.Reply, error) {
	v := &converter{c: c}
	var list []radiussrv.Reply
	for i, r := range c.RADIUS.Replies {
		at := fmt.Sprintf("radius.reply[%d]", i)
		reply := radiussrv.Reply{Service: r.Service, Client: r.Client, AppPassword: r.AppPassword}
		if r.Group != "" {
			reply.Group = v.name(at+".group", r.Group)
		}
		for j, text := range r.Attributes {
			a, err := attribute.Parse(text)
			if err != nil {
				v.problems = append(v.problems, c.Problem(fmt.Sprintf("%s.attributes[%d]", at, j), err.Error()))
			}
			reply.Attributes = append(reply.Attributes, a)
		}
		if len(reply.Attributes) > 0 {
			list = append(list, reply)
		}
	}
	if len(v.problems) > 0 {
		return nil, &config.Error{Problems: v.problems}
	}
	return list, nil
}

// memberships tells the groups of accounts.
type memberships struct{ store *store.Store }

// GroupsOf is what radiussrv.Groups wants.
func (m memberships) GroupsOf(ctx context.Context, accountID string) ([]string, error) {
	h, err := m.store.HolderByID(ctx, accountID)
	return h.Groups, err
}
