package account

import (
	"context"

	"postern/directory"
)

// unknownAccount says that login is nobody's, and whose may have been meant.
func (s *Service) unknownAccount(ctx context.Context, login string) error {
	if near := s.nearestLogin(ctx, login); near != "" {
		return refuse(UnknownAccount, "there is no account %q; did you mean %q?", login, near)
	}
	return refuse(UnknownAccount, "there is no account %q", login)
}

// nearestLogin looks among the logins with the same first letter. It is a
// courtesy: where reading fails there is no suggestion.
func (s *Service) nearestLogin(ctx context.Context, login string) string {
	typed, err := directory.NormalizeLogin(login)
	if err != nil {
		return ""
	}
	batch, err := s.Records.Holders(ctx, directory.Query{
		AnyOf: []directory.Term{{Attribute: "uid", Match: directory.Prefix, Value: string([]rune(typed)[:1])}},
	})
	if err != nil {
		return ""
	}
	logins := make([]string, 0, len(batch))
	for _, h := range batch {
		logins = append(logins, h.Account.Login)
	}
	return Nearest(typed, logins)
}

// Nearest returns the word of known that typed was most likely meant to be, or
// "" where none is near: at most two letters off, and at most a third of them.
func Nearest(typed string, known []string) string {
	best, at := "", min(2, max(1, len(typed)/3))+1
	for _, k := range known {
		if d := distance(typed, k); d < at {
			best, at = k, d
		}
	}
	return best
}

// distance is how many letters must be put in, left out, replaced or swapped
// with their neighbour to make b of a.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last := make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row := make([]int, len(y)+1)
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(y)]
}
