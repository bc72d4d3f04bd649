package store

import (
	"fmt"
	"syscall"
)

// networkFileSystems are those whose locks and shared memory do not hold
// between machines, by the number the kernel knows them by (statfs(2)).
var networkFileSystems = map[uint32]string{
	0x6969: "NFS", 0x517B: "SMB", 0xFF534D42: "CIFS", 0xFE534D42: "SMB2", 0x5346414F: "AFS", 0x73757245: "Coda",
}

// refuseNetworkDisk refuses a directory on which the database could be damaged
// by two machines that use it at a time.
func refuseNetworkDisk(dir string) error {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return fmt.Errorf("asking what disk %s is on: %w", dir, err)
	}
	return refuseDisk(dir, uint32(disk.Type))
}

func refuseDisk(dir string, kind uint32) error {
	if name := networkFileSystems[kind]; name != "" {
		return fmt.Errorf("%s is on %s: the database needs a local disk; choose another data_dir", dir, name)
	}
	return nil
}
