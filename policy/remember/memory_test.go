package remember

import (
	"net/netip"
	"testing"
	"time"

	"postern/secret"
)

var (
	noon   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	source = netip.MustParseAddr("192.0.2.1")
)

func text(s string) secret.Text { return secret.NewText(s) }

func TestEveryPartOfTheKeyCounts(t *testing.T) {
	m := New()
	k := m.Key(source, "id", text("hash"), text("password"))
	if again := m.Key(source, "id", text("hash"), text("password")); again != k {
		t.Error("the same gives another key")
	}
	for name, other := range map[string]Key{
		"source":          m.Key(source.Next(), "id", text("hash"), text("password")),
		"account":         m.Key(source, "other", text("hash"), text("password")),
		"stored hash":     m.Key(source, "id", text("other"), text("password")),
		"password":        m.Key(source, "id", text("hash"), text("other")),
		"where one ends":  m.Key(source, "idh", text("ash"), text("password")),
		"another process": New().Key(source, "id", text("hash"), text("password")),
	} {
		if other == k {
			t.Errorf("another %s gives the same key", name)
		}
	}
}

func TestAResultIsHeldForSoLong(t *testing.T) {
	m := New()
	k := m.Key(source, "id", text("hash"), text("password"))
	if _, ok := m.Recall(k, noon); ok {
		t.Error("something is held of nothing")
	}
	m.Refused(k, true, noon.Add(time.Hour))
	if r, ok := m.Recall(k, noon.Add(time.Hour-1)); !ok || !r.Right || r.Accepted {
		t.Errorf("held is %+v, %v", r, ok)
	}
	if _, ok := m.Recall(k, noon.Add(time.Hour)); ok {
		t.Error("it is held for longer")
	}
	m.Accepted(k, noon.Add(time.Minute))
	if r, ok := m.Recall(k, noon); !ok || !r.Right || !r.Accepted {
		t.Errorf("held is %+v, %v", r, ok)
	}
	m.Refused(k, false, noon.Add(time.Minute))
	if r, ok := m.Recall(k, noon); !ok || r.Right || r.Accepted {
		t.Errorf("what came last does not count: %+v, %v", r, ok)
	}
}

func TestAFloodOfWrongOnesPushesOutNoRightOne(t *testing.T) {
	m := New()
	right := Key{31: 1}
	m.Accepted(right, noon.Add(time.Hour))
	for i := range 4 * kept {
		m.Refused(Key{byte(i), byte(i >> 8), byte(i >> 16)}, false, noon.Add(time.Hour))
	}
	if _, ok := m.Recall(right, noon); !ok {
		t.Error("the right one is forgotten")
	}
	if n := m.refused.Len(); n > 2*kept {
		t.Errorf("%d are held", n)
	}
}
