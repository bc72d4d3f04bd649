package main

import (
	"context"
	"errors"
	"fmt"

	"postern/account"
	"postern/store"
)

// admin is an installation with the world of the command that works on it.
type admin struct {
	*env
	*site
}

// administer opens the installation and lets work use it. What fails says what
// to do next.
func (e *env) administer(ctx context.Context, work func(*admin) error) error {
	return advise(e.withSite(ctx, func(s *site) error { return work(&admin{e, s}) }))
}

// say tells people what was done. It goes to standard error, so that standard
// output holds what was asked for and nothing else.
func (e *env) say(format string, args ...any) {
	fmt.Fprintf(e.stderr, format+"\n", args...)
}

// nextSteps says what to do about a refusal, where its own words do not.
var nextSteps = map[account.Code]string{
	account.UnknownAccount:    "postern user list",
	account.UnknownGroup:      "postern group list",
	account.UnknownCredential: "postern app-password list LOGIN",
	account.TooManyPasswords:  "postern app-password list LOGIN",
	account.LoginTaken:        "postern user show LOGIN",
	account.GroupTaken:        "postern group show NAME",
}

// advice is an error with what to do next.
type advice struct {
	error
	next string
}

func (a advice) Error() string { return a.error.Error() + "\n  " + a.next }

func (a advice) Unwrap() error { return a.error }

func advise(err error) error {
	var refusal *account.Refusal
	switch {
	case errors.As(err, &refusal) && nextSteps[refusal.Code] != "":
		return advice{err, "see: " + nextSteps[refusal.Code]}
	case errors.Is(err, store.ErrBusy):
		return advice{err, "another command is writing; try again when it is done"}
	case errors.Is(err, store.ErrServing):
		return advice{err, "the database is of another version; restart the server with this one first"}
	}
	return err
}
