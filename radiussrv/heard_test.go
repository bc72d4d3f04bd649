package radiussrv_test

import (
	"testing"
	"time"

	"postern/radiussrv"
)

func TestAClientIsHeardWhereItsPacketsAreAuthentic(t *testing.T) {
	bubble(t, radiussrv.Authentication, radiussrv.Config{}, func(r *rig) {
		if got := r.Heard("loopback"); got != (radiussrv.Heard{}) {
			t.Errorf("heard before it spoke: %+v", got)
		}
		forged := good(t)
		forged[4] ^= 1 // the Message-Authenticator covers it
		r.send(forged)
		if got := r.Heard("loopback"); !got.At.IsZero() || got.Reason != radiussrv.DropBadAuthenticator || !got.Lost.Equal(time.Now()) {
			t.Errorf("after a forged packet: %+v", got)
		}
		time.Sleep(time.Second)
		r.raw(good(t))
		got := r.Heard("loopback")
		if !got.At.Equal(time.Now()) || !got.Lost.Before(got.At) {
			t.Errorf("after a good packet: %+v, now %s", got, time.Now())
		}
		if err := r.SetClients([]radiussrv.Client{loopback("loopback")}); err != nil {
			t.Fatal(err)
		}
		if after := r.Heard("loopback"); after != got {
			t.Errorf("a reload forgot %+v: %+v", got, after)
		}
		if other := r.Heard("another"); other != (radiussrv.Heard{}) {
			t.Errorf("a client there is not was heard: %+v", other)
		}
	})
}

func TestWhatTheServerIsToBlameForIsNotTheClients(t *testing.T) {
	bubble(t, radiussrv.Authentication, radiussrv.Config{Ready: func() bool { return false }}, func(r *rig) {
		r.send(status(t))
		r.dropped(radiussrv.DropNotReady, 1)
		if got := r.Heard("loopback"); got.At.IsZero() || !got.Lost.IsZero() {
			t.Errorf("%+v", got)
		}
	})
}
