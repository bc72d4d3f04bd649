package store

import (
	"strings"
	"testing"
)

func TestANetworkDiskIsRefused(t *testing.T) {
	ok(t, refuseNetworkDisk(t.TempDir()))
	for kind, name := range map[uint32]string{0x6969: "NFS", 0xFF534D42: "CIFS"} {
		if err := refuseDisk("data", kind); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ok(t, refuseDisk("data", 0xEF53)) // ext4
}
