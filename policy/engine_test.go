package policy

import (
	"context"
	"testing"
)

func TestWithoutRulesEverythingIsUnavailable(t *testing.T) {
	e := NewEngine(EngineConfig{})
	g, err := e.Entitled(context.Background(), Grant{outcome: Accept})
	if g || err == nil {
		t.Errorf("entitled %v, error %v", g, err)
	}
}
