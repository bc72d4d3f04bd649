package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// becomeOwner makes this process run as the owner of the data directory, so
// that no file of the database ends up with somebody else. Root takes on that
// user and group for good; anybody else is told whom to be.
func becomeOwner(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no data directory %s: make it with \"postern init\"", dir)
	}
	if err != nil {
		return fmt.Errorf("looking at the data directory: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("the owner of %s cannot be found out on this system", dir)
	}
	owner, us := int(stat.Uid), os.Geteuid()
	switch {
	case owner == us:
		return nil
	case us != 0:
		return fmt.Errorf("%s belongs to %s: run this as %s, for example with sudo -u %s", dir, userName(owner), userName(owner), userName(owner))
	}
	return takeOn(owner, int(stat.Gid))
}

// takeOn gives up root for uid and gid. Go applies each call to all threads.
func takeOn(uid, gid int) error {
	if err := syscall.Setgroups([]int{gid}); err != nil {
		return fmt.Errorf("giving up root's groups: %w", err)
	}
	if err := syscall.Setgid(gid); err != nil {
		return fmt.Errorf("taking on group %d: %w", gid, err)
	}
	if err := syscall.Setuid(uid); err != nil {
		return fmt.Errorf("taking on user %s: %w", userName(uid), err)
	}
	return nil
}

// userName is the name of a user, or "#uid" where it has none.
func userName(uid int) string {
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return "#" + strconv.Itoa(uid)
	}
	return u.Username
}
