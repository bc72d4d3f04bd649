package policy

import "time"

// Primary says what would be decided if h presented the right primary password
// at a client of that kind through service. Groups of h must be filled. It
// takes the engine's own path over the facts; brakes are no part of it.
func (r *Rules) Primary(h Holder, service string, kind ClientKind, now time.Time) Decision {
	t := trial{e: &Engine{now: func() time.Time { return now }}, rules: compile(r), service: service}
	t.facts.Client = kind
	t.know(h)
	if !h.PasswordHash.Empty() {
		t.facts.Match = MatchPrimary
	}
	return Decide(t.facts)
}

// Strict returns r without the switches that soften it for a time: report-only
// and grace.
func (r *Rules) Strict() *Rules {
	strict := *r
	strict.ReportOnlyUntil, strict.GraceUntil = time.Time{}, time.Time{}
	return &strict
}
