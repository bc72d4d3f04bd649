package history

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// What can be wrong. Check wraps one of these for each thing found.
var (
	ErrLost       = errors.New("what was acknowledged is lost")
	ErrRevived    = errors.New("somebody was let in after the revocation was acknowledged")
	ErrUnearned   = errors.New("somebody was let in without a live app password")
	ErrUnrecorded = errors.New("a change has not exactly one event")
	ErrHalf       = errors.New("something was done that nobody asked for, or half")
)

// Ended is what is found in the end, when nothing is under way any more: the
// app passwords that are listed, and the events of their issue and end, by id.
type Ended struct {
	Live            map[string]bool // listed: whether it is not revoked
	Issued, Revoked map[string]int  // events
}

// never is the end of what has not happened.
const never = time.Duration(math.MaxInt64)

// life is what is known of one app password.
type life struct {
	asked        time.Duration // to be issued
	issued       time.Duration // acknowledged
	revoking     time.Duration // the first revocation that may have happened was begun
	revoked      time.Duration // acknowledged
	lives, ended int           // acknowledged
}

// lives gathers what is known of each app password.
func lives(ops []Op) map[string]*life {
	all := map[string]*life{}
	for _, op := range ops {
		if op.Kind == SignIn || op.Credential == "" || op.Outcome == No {
			continue
		}
		l := all[op.Credential]
		if l == nil {
			l = &life{never, never, never, never, 0, 0}
			all[op.Credential] = l
		}
		done := op.Outcome == Yes
		switch {
		case op.Kind == Issue:
			l.asked = min(l.asked, op.Begin)
			if done {
				l.issued = min(l.issued, op.End)
				l.lives++
			}
		default:
			l.revoking = min(l.revoking, op.Begin)
			if done {
				l.revoked = min(l.revoked, op.End)
				l.ended++
			}
		}
	}
	return all
}

// Check holds a record to the properties and returns everything that breaks
// one.
func Check(ops []Op, ended Ended) error {
	known := lives(ops)
	errs := signIns(ops, known)
	errs = append(errs, kept(known, ended)...)
	errs = append(errs, recorded(known, ended)...)
	return errors.Join(append(errs, whole(ops, known, ended)...)...)
}

// signIns: an app password whose issue was acknowledged opens, until somebody
// begins to revoke it; none opens to an attempt that began after its revocation
// was acknowledged; and nothing else ever opens.
func signIns(ops []Op, known map[string]*life) (errs []error) {
	for _, op := range ops {
		if op.Kind != SignIn || op.Outcome == Unknown {
			continue
		}
		l := known[op.Credential]
		switch {
		case op.Outcome == Yes && (l == nil || l.asked > op.End):
			errs = append(errs, fmt.Errorf("%w: %q, at %v", ErrUnearned, op.Credential, op.End))
		case op.Outcome == Yes && op.Begin > l.revoked:
			errs = append(errs, fmt.Errorf("%w: %q, revoked at %v, opened to an attempt begun at %v", ErrRevived, op.Credential, l.revoked, op.Begin))
		case op.Outcome == No && l != nil && op.Begin > l.issued && op.End < l.revoking:
			errs = append(errs, fmt.Errorf("%w: %q, issued at %v, was refused at %v", ErrLost, op.Credential, l.issued, op.End))
		}
	}
	return errs
}

// kept: what was acknowledged is what is listed in the end.
func kept(known map[string]*life, ended Ended) (errs []error) {
	for id, l := range known {
		live, listed := ended.Live[id]
		switch {
		case l.lives > 0 && !listed:
			errs = append(errs, fmt.Errorf("%w: %q was issued and is not listed", ErrLost, id))
		case l.ended > 0 && live:
			errs = append(errs, fmt.Errorf("%w: %q was revoked and is listed as live", ErrLost, id))
		}
	}
	return errs
}

// recorded: every change that is there has one event, and no event is of a
// change that is not there.
func recorded(known map[string]*life, ended Ended) (errs []error) {
	wrong := func(id, what string, n int) {
		errs = append(errs, fmt.Errorf("%w: %q has %d events of its %s", ErrUnrecorded, id, n, what))
	}
	for id, live := range ended.Live {
		if n := ended.Issued[id]; n != 1 {
			wrong(id, "issue", n)
		}
		if n := ended.Revoked[id]; live && n != 0 || !live && n != 1 {
			wrong(id, "end", n)
		}
	}
	for id, n := range ended.Issued {
		if _, listed := ended.Live[id]; !listed {
			wrong(id, "issue and is not listed", n)
		}
	}
	for id, n := range ended.Revoked {
		if _, listed := ended.Live[id]; !listed {
			wrong(id, "end and is not listed", n)
		}
	}
	return errs
}

// whole: what is there and was not acknowledged is no more than what was asked
// and not answered, and only what somebody revoked is revoked.
func whole(ops []Op, known map[string]*life, ended Ended) (errs []error) {
	unanswered, more := 0, 0
	for _, op := range ops {
		if op.Kind == Issue && op.Outcome == Unknown {
			unanswered++
		}
	}
	for id, live := range ended.Live {
		l := known[id]
		if l == nil || l.lives == 0 {
			more++
		}
		if !live && (l == nil || l.revoking == never) {
			errs = append(errs, fmt.Errorf("%w: nobody revoked %q, and it is listed as revoked", ErrHalf, id))
		}
	}
	if more > unanswered {
		errs = append(errs, fmt.Errorf("%w: %d app passwords are listed that nobody was given, and %d were asked for without an answer", ErrHalf, more, unanswered))
	}
	return errs
}
