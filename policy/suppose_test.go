package policy

import (
	"testing"
	"time"
)

func TestASupposedPrimaryIsDecidedAsARealOne(t *testing.T) {
	for name, set := range states {
		w := newWorld(t)
		_, row := w.issue(t, "id-ann", nil)
		set(w, row)
		w.apply()
		for _, kind := range []ClientKind{Legacy, LegacyOTP, Interactive} {
			c := mailClient
			if c.Kind = kind; kind == Interactive {
				c = portalClient
			}
			got := w.attempt(t, c, "ann", text(annPassword))
			said := w.rules.Primary(*w.holder("id-ann"), got.Service, kind, noon)
			if said.Outcome != got.Outcome || said.Reason != got.Reason {
				t.Errorf("%s at %v: supposed %v %q, decided %v %q", name, kind, said.Outcome, said.Reason, got.Outcome, got.Reason)
			}
		}
	}
}

func TestStrictRulesKnowNoSwitch(t *testing.T) {
	w := newWorld(t)
	w.rules.ReportOnlyGroups, w.rules.ReportOnlyUntil, w.rules.GraceUntil = []string{Everybody}, noon.Add(time.Hour), noon.Add(time.Hour)
	h := *w.holder("id-ann")
	for _, h.Enrolled = range []bool{true, false} {
		if d := w.rules.Primary(h, "mail", Legacy, noon); d.Outcome != Accept {
			t.Errorf("softened: %v", d.Outcome)
		}
		if d := w.rules.Strict().Primary(h, "mail", Legacy, noon); d.Outcome != Reject || d.Reason != ReasonPrimaryWithMFA {
			t.Errorf("strict: %v %q", d.Outcome, d.Reason)
		}
	}
}
