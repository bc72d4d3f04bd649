package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"postern/account"
)

func userImport(e *env) *cobra.Command {
	var dryRun, asJSON bool
	cmd := &cobra.Command{
		Use:   "import FILE.csv",
		Short: "Add and change accounts from a file, all of it or nothing",
		Long: "Reads a CSV file whose first line names its columns, in any order:\n" +
			"login (needed), name, mail, groups (\";\" between), mfa (on or off),\n" +
			"password_hash (an Argon2id PHC string). An account that exists is changed\n" +
			"where the file says something else; empty fields say nothing. Groups that\n" +
			"do not exist are added. With one wrong line, nothing is imported.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := openImport(args[0])
			if err != nil {
				return err
			}
			defer func() { _ = file.Close() }() // it was only read
			return e.administer(cmd.Context(), func(a *admin) error {
				plan, err := a.accounts.PlanCSV(cmd.Context(), file)
				if err != nil {
					return importFailed(args[0], err)
				}
				if dryRun {
					return a.showPlan(plan, asJSON)
				}
				if err := a.accounts.Import(cmd.Context(), a.actor, plan); err != nil {
					return err
				}
				a.say("imported: %s", planSummary(plan))
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would change, and change nothing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "with --dry-run: print JSON")
	return cmd
}

// openImport opens the file before the command becomes another user, who may
// not be able to read it.
func openImport(path string) (*os.File, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv":
	case ".ldif", ".ldf":
		return nil, errors.New("LDIF files cannot be imported; write a CSV file with the columns login, name, mail, groups, mfa, password_hash")
	default:
		return nil, usagef("%s does not end in .csv", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the file: %w", err)
	}
	return f, nil
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
