package main

import (
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"postern"
	"postern/config"
	"postern/secret"
	"postern/store"
)

func initCommand(e *env) *cobra.Command {
	var baseDN string
	var hosts []string
	cmd := &cobra.Command{
		Use:   "init [--base-dn DN] [--host NAME]…",
		Short: "Make what an installation needs and does not have",
		Long: "Writes what is missing and leaves what is there: the configuration, the key\n" +
			"file, the database, a secret for each RADIUS client, and a self-signed\n" +
			"certificate. It asks nothing. With everything there it changes nothing.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			i := &initializer{env: e, baseDN: baseDN, hosts: hosts}
			return i.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&baseDN, "base-dn", "", "the base `DN` of a new configuration, such as dc=example,dc=org")
	cmd.Flags().StringArrayVar(&hosts, "host", nil, "a host `NAME` or address for a new certificate, beside localhost; may be repeated (default: this machine's name)")
	return cmd
}

// initializer writes what is missing.
type initializer struct {
	*env
	baseDN string
	hosts  []string
	config loaded
	made   int // how many things were missing

	// owner is whose everything made has to be: that of a data directory which
	// is there and belongs to another user. nil: it is ours.
	owner *ids
}

type ids struct{ uid, gid int }

func (i *initializer) run(ctx context.Context) error {
	if err := i.makeConfig(); err != nil {
		return err
	}
	for _, step := range []func() error{i.makeKey, i.makeSecrets, i.makeCertificates, i.makeDataDir} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := i.makeDatabase(ctx); err != nil {
		return err
	}
	if i.made == 0 {
		fmt.Fprintln(i.stdout, "Everything was there already; nothing was changed.")
	}
	return i.printNext()
}

// makeConfig writes the shipped configuration where there is none, loads the
// one that is there then, and with it finds out whose everything is to be.
func (i *initializer) makeConfig() error {
	if !exists(i.configPath) {
		if err := i.writeConfig(); err != nil {
			return err
		}
	}
	var err error
	if i.config, err = i.loadConfig(); err != nil {
		return err
	}
	if i.baseDN != "" && i.baseDN != i.config.BaseDN {
		return fmt.Errorf("%s is there already and has base_dn = %q: change it there, or leave --base-dn out", i.configPath, i.config.BaseDN)
	}
	return i.findOwner(i.config.DataDir)
}

func (i *initializer) writeConfig() error {
	text, err := shippedWith(i.baseDN)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(filepath.Dir(i.configPath))
	if err != nil {
		return fmt.Errorf("finding the configuration's directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the configuration's directory: %w", err)
	}
	c, _, err := config.Parse(text, dir)
	if err != nil {
		return fmt.Errorf("reading the shipped configuration: %w", err)
	}
	if err := i.findOwner(c.DataDir); err != nil {
		return err
	}
	return i.create("the configuration", i.configPath, text)
}

// shippedWith returns the shipped configuration for another base DN, or as it
// is for "".
func shippedWith(baseDN string) ([]byte, error) {
	text := postern.ShippedConfig
	if baseDN == "" {
		return text, nil
	}
	shipped, _, err := config.Parse(text, "")
	if err != nil {
		return nil, fmt.Errorf("reading the shipped configuration: %w", err)
	}
	text = bytes.Replace(text, fmt.Appendf(nil, "%q", shipped.BaseDN), fmt.Appendf(nil, "%q", baseDN), 1)
	if changed, _, err := config.Parse(text, ""); err != nil || changed.BaseDN != baseDN {
		return nil, usagef("--base-dn must be a distinguished name such as %s", shipped.BaseDN)
	}
	return text, nil
}

// findOwner notes whose files to make. Only root can make somebody else's.
func (i *initializer) findOwner(dataDir string) error {
	info, err := os.Stat(dataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking at the data directory: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if ok && os.Geteuid() == 0 && stat.Uid != 0 {
		i.owner = &ids{int(stat.Uid), int(stat.Gid)}
	}
	return nil
}

// makeKey refuses to make a key beside a database: it would be another than
// the one that what is in it was digested and sealed with.
func (i *initializer) makeKey() error {
	if db := store.FileIn(i.config.DataDir); exists(db) && !exists(i.config.KeyFile) {
		return fmt.Errorf("the database %s is there without its key %s: put the key file back from where it is kept; without it no app password in the database opens anything",
			db, i.config.KeyFile)
	}
	err := secret.CreateKeyFile(i.config.KeyFile, i.random)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("making the key file: %w", err)
	}
	return i.wrote("the key", i.config.KeyFile)
}

func (i *initializer) makeSecrets() error {
	for _, client := range i.config.RADIUS.Clients {
		if client.SecretFile == "" || exists(client.SecretFile) {
			continue
		}
		text, err := newSharedSecret(i.random)
		if err != nil {
			return err
		}
		if err := i.create(fmt.Sprintf("the RADIUS secret of %q", client.Name), client.SecretFile, text); err != nil {
			return err
		}
	}
	return nil
}

// newSharedSecret is 160 random bits as 32 letters and digits, which every
// device takes, and a newline.
func newSharedSecret(random io.Reader) ([]byte, error) {
	var bits [20]byte
	if _, err := io.ReadFull(random, bits[:]); err != nil {
		return nil, fmt.Errorf("reading randomness for a RADIUS secret: %w", err)
	}
	return append([]byte(base32.StdEncoding.EncodeToString(bits[:])), '\n'), nil
}

func (i *initializer) makeDataDir() error {
	if exists(i.config.DataDir) {
		return nil
	}
	if err := os.MkdirAll(i.config.DataDir, 0o700); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	return nil
}

// makeDatabase opens the database, which makes it or brings it up to date, and
// binds it to the key.
func (i *initializer) makeDatabase(ctx context.Context) error {
	if err := becomeOwner(i.config.DataDir); err != nil {
		return err
	}
	there := exists(store.FileIn(i.config.DataDir))
	s, err := openSite(ctx, i.config, nil)
	if err != nil {
		return err
	}
	if err := s.store.Close(); err != nil || there {
		return err
	}
	i.owner = nil // it is the owner's: that is who we are by now
	return i.wrote("the database", s.store.Path())
}

// create writes a new private file, whole or not at all.
func (i *initializer) create(what, path string, content []byte) error {
	return i.createAs(what, path, content, 0o600)
}

// createPublic is create for what everybody may read.
func (i *initializer) createPublic(what, path string, content []byte) error {
	return i.createAs(what, path, content, 0o644)
}

func (i *initializer) createAs(what, path string, content []byte, mode fs.FileMode) error {
	if err := createFile(path, content, mode); err != nil {
		return fmt.Errorf("writing %s: %w", what, err)
	}
	return i.wrote(what, path)
}

// wrote gives what was made to its owner and says so.
func (i *initializer) wrote(what, path string) error {
	i.made++
	if o := i.owner; o != nil {
		if err := giveTo(path, *o); err != nil {
			return fmt.Errorf("giving %s to %s: %w", path, userName(o.uid), err)
		}
	}
	_, err := fmt.Fprintf(i.stdout, "Made %s: %s\n", what, path)
	return err
}

// giveTo makes o the owner of a file that was just made. Where the directory
// is o's own, something else may lie under its name by now, such as a link to
// a file of root's: that is not given away.
func giveTo(path string, o ids) error {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() || stat.Nlink != 1 {
		return errors.New("it is not the file that was made: somebody else has put another in its place")
	}
	return f.Chown(o.uid, o.gid)
}

// createFile writes a file of that mode, under another name first: a file that
// is there is whole, and one that was there stays.
func createFile(path string, content []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(content); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Chmod(mode); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
