package peers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"postern/bench/people"
)

// RootDN and RootPassword may read everything of slapd.
const (
	RootDN       = "cn=root," + people.Base
	RootPassword = "reads-everything"
)

const slapdConf = `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
loglevel 0
sizelimit unlimited
timelimit unlimited
database mdb
suffix %s
rootdn %s
rootpw %s
directory %s
maxsize 8589934592
index objectClass eq
index uid eq
`

// Slapd fills a database in dir with n accounts and starts slapd on it: mdb,
// {SSHA}, an index on uid, no log, and otherwise as Debian ships it.
func Slapd(ctx context.Context, dir string, n int) (*Server, error) {
	program, err := find("slapd")
	if err != nil {
		return nil, err
	}
	conf, data, ldif := filepath.Join(dir, "slapd.conf"), filepath.Join(dir, "db"), filepath.Join(dir, "people.ldif")
	err = errors.Join(os.MkdirAll(data, 0o700),
		os.WriteFile(conf, fmt.Appendf(nil, slapdConf, people.Base, RootDN, RootPassword, data), 0o600),
		write(ldif, func(w io.Writer) error { return people.LDIF(w, n) }))
	if err != nil {
		return nil, err
	}
	defer os.Remove(ldif)
	fill := exec.CommandContext(ctx, program, "-T", "add", "-q", "-f", conf, "-l", ldif)
	if out, err := fill.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("filling slapd: %w: %s", err, out)
	}
	at, err := freePort("tcp")
	if err != nil {
		return nil, err
	}
	return start(ctx, "slapd", at, accepts(at), program, "-d", "0", "-f", conf, "-h", "ldap://"+at.String()+"/")
}
