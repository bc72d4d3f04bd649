package passkey

import (
	"encoding/json"
	"errors"
	"net/url"
	"testing"
)

func site(t *testing.T) *Site {
	t.Helper()
	s, err := NewSite(&url.URL{Scheme: "https", Host: "id.example.org:8443"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEnrolmentIsForThisSiteAndPerson(t *testing.T) {
	c, err := site(t).BeginEnrol(Person{ID: "0b3", Login: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	var options struct {
		PublicKey struct {
			RP   struct{ ID string }
			User struct{ Name, DisplayName string }
		}
	}
	if err := json.Unmarshal(c.Options, &options); err != nil {
		t.Fatal(err)
	}
	if options.PublicKey.RP.ID != "id.example.org" || options.PublicKey.User.Name != "ann" || options.PublicKey.User.DisplayName != "ann" {
		t.Errorf("the browser is asked for %s", c.Options)
	}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	s, person := site(t), Person{ID: "0b3", Login: "ann"}
	c, err := s.BeginEnrol(person)
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]string{"nothing": "", "an empty object": "{}", "not JSON": "x"} {
		if _, err := s.FinishEnrol(person, c.State, []byte(answer)); !errors.Is(err, ErrRefused) {
			t.Errorf("enrolling with %s: %v", name, err)
		}
		if _, err := s.FinishUse(person, c.State, []byte(answer)); !errors.Is(err, ErrRefused) {
			t.Errorf("using %s: %v", name, err)
		}
	}
	if _, err := s.FinishUse(person, nil, []byte("{}")); !errors.Is(err, ErrRefused) {
		t.Errorf("without a challenge: %v", err)
	}
	if _, err := s.BeginUse(person); !errors.Is(err, ErrRefused) {
		t.Errorf("asking for a key where none is enrolled: %v", err)
	}
}
