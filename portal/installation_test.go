package portal_test

import (
	"testing"
	"time"

	"postern/portal"
)

func TestTheInstallationSaysWhichDevicesAreHeard(t *testing.T) {
	h := newHouse(t)
	h.installation.Clients = []portal.RADIUSClient{
		{Name: "vpn", HeardAt: h.at.Add(-3 * time.Minute)},
		{Name: "gate"},
		{Name: "door", Lost: "bad_authenticator", LostAt: h.at.Add(-4 * time.Minute)},
	}
	admin, _ := h.administrator("root")
	admin.get("/admin/installation")
	admin.shows("3 minutes ago")
	admin.shows("Not since the start")
	admin.shows("Wrong shared secret, 4 minutes ago")
}
