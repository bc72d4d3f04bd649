package account

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"postern/policy"
	"postern/secret"
)

// hashJob is a password that takes a run of Argon2id, or two where it is
// compared first, before the import can be applied.
type hashJob struct {
	password secret.Foreign
	stored   secret.Text // what the account has; empty for a new one
	fresh    bool        // of a new account
	add      int         // index of it
	change   int         // index of the change
	row      int         // index of the row of the change
	same     bool        // found to be what the account has
	seal     bool        // kept sealed at first, which is no work
}

// wrapBefore is how many fast hashes are wrapped before they are stored: what
// takes some seconds. Of more, all are sealed.
const wrapBefore = 200

// sealMany seals the fast hashes of the plan if there are many. What has to be
// compared first is hashed anyway.
func (p *ImportPlan) sealMany() {
	sealable := 0
	for i := range p.jobs {
		job := &p.jobs[i]
		if job.seal = job.stored.Empty() && job.password.Sealable(); job.seal {
			sealable++
		}
	}
	if sealable <= wrapBefore {
		p.WrapFirst()
		return
	}
	p.Sealed, p.Passwords = sealable, len(p.jobs)-sealable
}

// WrapFirst has every fast hash wrapped before the import is applied, however
// long that takes: nothing is sealed.
func (p *ImportPlan) WrapFirst() {
	for i := range p.jobs {
		p.jobs[i].seal = false
	}
	p.Sealed, p.Passwords = 0, len(p.jobs)
}

// hashForNew gives a new account its password hash, now or in a job.
func (p *planner) hashForNew(ctx context.Context, r row, add int) error {
	if !r.hasPassword {
		return nil
	}
	return p.hash(ctx, hashJob{password: r.password, fresh: true, add: add})
}

// hash makes the stored form at once where that takes no work, and leaves it
// to Prepare otherwise.
func (p *planner) hash(ctx context.Context, job hashJob) error {
	if job.password.Work() {
		p.plan.jobs = append(p.plan.jobs, job)
		p.plan.Passwords++
		return nil
	}
	return p.finish(ctx, &p.plan.work, &job)
}

// compare says whether the row's password is what the account has. What only
// hashing can tell counts as Unlike, and the job compares.
func (p *planner) compare(ctx context.Context, h policy.Holder, r row) (secret.Likeness, hashJob, error) {
	job := hashJob{password: r.password}
	switch {
	case !r.hasPassword:
		return secret.Same, job, nil
	case h.PasswordHash.Empty():
		return secret.Unlike, job, nil
	case r.password.Dear():
		job.stored = h.PasswordHash
		return secret.Unlike, job, nil
	}
	like, err := p.Hasher.Compare(ctx, h.PasswordHash, r.password)
	if err != nil {
		return like, job, fmt.Errorf("comparing a password: %w", err)
	}
	if like == secret.Renewed {
		p.leave("password", "the account has one of Postern's own making, which may be newer", r.line)
	}
	return like, job, nil
}

// finish makes the stored form of a job's password.
func (s *Service) finish(ctx context.Context, work *policy.Import, job *hashJob) error {
	if !job.stored.Empty() {
		like, err := s.Hasher.Compare(ctx, job.stored, job.password)
		if err != nil {
			return fmt.Errorf("comparing a password: %w", err)
		}
		if job.same = like != secret.Unlike; job.same {
			return nil
		}
	}
	hash, err := s.stored(ctx, job)
	if err != nil {
		return fmt.Errorf("hashing a password: %w", err)
	}
	if job.fresh {
		work.Add[job.add].PasswordHash = hash
	} else {
		work.Changes[job.change].Change.PasswordHash = &hash
	}
	return nil
}

func (s *Service) stored(ctx context.Context, job *hashJob) (secret.Text, error) {
	if job.seal {
		return s.Hasher.Seal(job.password, s.Random)
	}
	return s.Hasher.Import(ctx, job.password, s.Random)
}

// Prepare hashes the passwords of a plan, workers at a time, and seals those
// that are to be sealed, outside of any transaction. progress, if not nil, is
// called after each that was hashed by any of them, with how many are done. A
// plan that was prepared is left as it is.
func (s *Service) Prepare(ctx context.Context, p *ImportPlan, workers int, progress func(done int)) error {
	var done atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, workers))
	for i := range p.jobs {
		g.Go(func() error {
			if err := s.finish(ctx, &p.work, &p.jobs[i]); err != nil {
				return err
			}
			if progress != nil && !p.jobs[i].seal {
				progress(int(done.Add(1)))
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	p.dropSame()
	p.jobs, p.Passwords = nil, 0
	return nil
}

// dropSame takes those passwords out of the plan that the accounts had already.
func (p *ImportPlan) dropSame() {
	for _, job := range p.jobs {
		if !job.same {
			continue
		}
		r, c := &p.Rows[job.row], &p.work.Changes[job.change]
		r.What = slices.DeleteFunc(r.What, func(what string) bool { return what == "password" })
		c.Change.EndSessions, c.Change.RevokeAppPasswords = false, false
		if len(r.What) == 0 {
			c.AccountID = ""
			p.Changed--
			p.Same++
		}
	}
	p.work.Changes = slices.DeleteFunc(p.work.Changes, func(c policy.ImportChange) bool { return c.AccountID == "" })
}
