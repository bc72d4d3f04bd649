package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/account"
	"postern/ldapsrv/dn"
	"postern/ldapsrv/entry"
	"postern/secret"
	"postern/store"
)

// importing is one run of "user import".
type importing struct {
	*admin
	path             string
	file             *os.File
	dryRun, asJSON   bool
	quiet            bool
	withoutPasswords bool
	wrapFirst        bool
	serving          bool // a server runs on the data directory
}

func userImport(e *env) *cobra.Command {
	i := &importing{}
	cmd := &cobra.Command{
		Use:   "import FILE.ldif|FILE.csv",
		Short: "Add and change accounts and groups from a file, all of it or nothing",
		Long: "Reads LDIF, as ldapsearch and slapcat write it: accounts (inetOrgPerson,\n" +
			"posixAccount, account, user), groups (groupOfNames, groupOfUniqueNames,\n" +
			"posixGroup, group), their members, and every other attribute. Entries of\n" +
			"other classes are left out and counted.\n\n" +
			"Or CSV, whose first line names its columns, in any order: login (needed),\n" +
			"name, mail, groups (\";\" between), mfa (on or off), password_hash.\n\n" +
			"Passwords may be hashes of the schemes {SSHA} {SSHA256} {SSHA512} {SMD5} and\n" +
			"their unsalted forms, {CRYPT} with $1$ $5$ $6$ $2a$ $2b$ $2y$ $y$, {PBKDF2…}\n" +
			"and {ARGON2}; in LDIF also clear text. Fast ones are hashed once more; where\n" +
			"they are many, serve does that after the import, and until then they are\n" +
			"sealed under the key file.\n\n" +
			"An account that exists is changed where the file says something else;\n" +
			"nothing is taken away from it. With one wrong entry, nothing is imported.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			i.path = args[0]
			if i.file, err = openImport(i.path); err != nil {
				return err
			}
			defer func() { _ = i.file.Close() }() // it was only read
			return e.administer(cmd.Context(), func(a *admin) error {
				i.admin = a
				return i.run(cmd.Context())
			})
		},
	}
	cmd.Flags().BoolVar(&i.dryRun, "dry-run", false, "say what would change, and change nothing")
	cmd.Flags().BoolVar(&i.asJSON, "json", false, "with --dry-run: print JSON")
	cmd.Flags().BoolVar(&i.quiet, "quiet", false, "show no progress on a terminal")
	cmd.Flags().BoolVar(&i.wrapFirst, "wrap-first", false, "wrap every fast password hash before anything is stored, however long it takes")
	cmd.Flags().BoolVar(&i.withoutPasswords, "without-passwords", false, "leave the passwords of an LDIF file out")
	return cmd
}

func isLDIF(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".ldif" || ext == ".ldf"
}

// openImport opens the file before the command becomes another user, who may
// not be able to read it.
func openImport(path string) (*os.File, error) {
	if ext := strings.ToLower(filepath.Ext(path)); ext != ".csv" && !isLDIF(path) {
		return nil, usagef("%s does not end in .ldif or .csv", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the file: %w", err)
	}
	return f, nil
}

// workers is how many passwords are hashed at a time: as many as there are
// processors, but for one that is left to the server where it runs.
func (i *importing) workers() int {
	if i.serving {
		return max(1, runtime.GOMAXPROCS(0)-1)
	}
	return runtime.GOMAXPROCS(0)
}

func (i *importing) run(ctx context.Context) error {
	_, i.serving = store.ServerPID(i.config.DataDir)
	i.accounts.Hasher = secret.NewHasher(secret.DefaultArgon2, i.workers(), i.workers()).WithKeys(i.keys)
	plan, err := i.plan(ctx)
	if err != nil {
		return importFailed(i.path, err)
	}
	if i.wrapFirst {
		plan.WrapFirst()
	}
	i.showLeft(plan)
	if plan.Passwords > 0 {
		if err := i.estimate(ctx, plan.Passwords); err != nil {
			return err
		}
	}
	if i.dryRun {
		return i.showPlan(plan, i.asJSON)
	}
	if err := i.prepare(ctx, plan); err != nil {
		return err
	}
	if err := i.apply(ctx, plan); err != nil {
		return err
	}
	i.say("imported: %s", planSummary(plan))
	i.sayWrapping(plan.Sealed)
	return nil
}

// sayWrapping says what becomes of hashes that were sealed.
func (i *importing) sayWrapping(sealed int) {
	if sealed == 0 {
		return
	}
	i.say("%d fast password hashes are sealed under the key file until serve has wrapped them; its log says when that is done", sealed)
	if !i.serving {
		i.say("  start it: postern serve")
	}
}

// plan reads the file and shows how much of it is read.
func (i *importing) plan(ctx context.Context) (*account.ImportPlan, error) {
	info, err := i.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("looking at the file: %w", err)
	}
	p := i.newProgress(i.quiet, "read, in KiB", info.Size()>>10)
	defer p.end()
	file := &counted{Reader: i.file, progress: p}
	if !isLDIF(i.path) {
		return i.accounts.PlanCSV(ctx, file)
	}
	tree, err := entry.NewTree(i.config.BaseDN, entry.Options{})
	if err != nil {
		return nil, fmt.Errorf("reading base_dn: %w", err)
	}
	return i.accounts.PlanLDIF(ctx, file, account.LDIF{
		ReadDN:           func(s string) (string, string, string, error) { return readDN(tree, s) },
		Shown:            shownAnyway(tree),
		WithoutPasswords: i.withoutPasswords,
	})
}

// readDN reads a distinguished name for an import.
func readDN(tree *entry.Tree, s string) (normal, login, group string, err error) {
	d, err := dn.Parse(s)
	if err != nil {
		return "", "", "", err
	}
	switch n, _ := tree.Find(d); n.Kind {
	case entry.Person:
		login = n.Key
	case entry.Group:
		group = n.Key
	}
	return d.Normal().String(), login, group, nil
}

// counted shows how much of a file was read.
type counted struct {
	io.Reader
	progress *progress
	read     int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += int64(n)
	c.progress.at(c.read >> 10)
	return n, err
}

// estimate says how long hashing will take, from how long one takes here.
func (i *importing) estimate(ctx context.Context, passwords int) error {
	start := time.Now()
	if _, err := i.accounts.Hasher.Hash(ctx, secret.NewText("a password to measure by"), rand.Reader); err != nil {
		return fmt.Errorf("measuring how long a password takes: %w", err)
	}
	each := time.Since(start) / time.Duration(i.workers())
	i.say("%d passwords have to be hashed first: about %s", passwords, roughly(time.Duration(passwords)*each))
	return nil
}

func (i *importing) prepare(ctx context.Context, plan *account.ImportPlan) error {
	p := i.newProgress(i.quiet, "passwords hashed", int64(plan.Passwords))
	defer p.end()
	return i.accounts.Prepare(ctx, plan, i.workers(), func(done int) { p.at(int64(done)) })
}

func (i *importing) apply(ctx context.Context, plan *account.ImportPlan) error {
	p := i.newProgress(i.quiet, "accounts written", int64(plan.Added))
	defer p.end()
	plan.Progress = func(done int) { p.at(int64(done)) }
	return i.accounts.Import(ctx, i.actor, plan)
}

// showLeft says what of the file is not taken over.
func (i *importing) showLeft(plan *account.ImportPlan) {
	for _, l := range plan.Left {
		i.say("left out: %s, %d times, first in line %d: %s", l.What, l.Count, l.Line, l.Why)
	}
}

func importFailed(path string, err error) error {
	var wrong *account.ImportError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s is not right; nothing was imported:\n%s", path, indent(wrong.Error()))
	}
	return err
}

func planSummary(p *account.ImportPlan) string {
	return fmt.Sprintf("%d accounts added, %d changed, %d as they were, %d groups added", p.Added, p.Changed, p.Same, len(p.Groups))
}

type plannedJSON struct {
	Line    int      `json:"line"`
	Login   string   `json:"login"`
	Action  string   `json:"action"` // add, change, none
	Changes []string `json:"changes"`
}

func planned(r account.PlannedRow) plannedJSON {
	j := plannedJSON{r.Line, r.Login, "change", orEmpty(r.What)}
	switch {
	case r.New:
		j.Action = "add"
	case len(r.What) == 0:
		j.Action = "none"
	}
	return j
}

func (a *admin) showPlan(p *account.ImportPlan, asJSON bool) error {
	list := make([]plannedJSON, 0, len(p.Rows))
	for _, r := range p.Rows {
		list = append(list, planned(r))
	}
	if asJSON {
		return a.printJSON(list)
	}
	t := newTable(a.stdout, "LINE", "LOGIN", "ACTION", "WHAT")
	for _, r := range list {
		t.row(strconv.Itoa(r.Line), r.Login, r.Action, dash(strings.Join(r.Changes, ", ")))
	}
	for _, g := range p.Groups {
		t.row("-", g, "add", "group")
	}
	a.say("would be imported: %s", planSummary(p))
	return t.flush()
}
