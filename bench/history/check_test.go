package history_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"postern/bench/history"
)

// at is an operation that takes one step from a moment on.
func at(begin int, kind history.Kind, credential string, outcome history.Outcome) history.Op {
	return history.Op{Kind: kind, Credential: credential, Begin: time.Duration(begin), End: time.Duration(begin + 1), Outcome: outcome}
}

// good is a right history: two are issued, one is revoked, one issue and one
// revocation are never answered.
func good() ([]history.Op, history.Ended) {
	return []history.Op{
			at(0, history.SignIn, "made up", history.No),
			at(0, history.Issue, "a", history.Yes),
			at(2, history.Issue, "b", history.Yes),
			at(4, history.SignIn, "a", history.Yes),
			at(4, history.Issue, "", history.Unknown),
			at(6, history.Revoke, "a", history.Yes),
			at(8, history.SignIn, "a", history.No),
			at(10, history.SignIn, "b", history.Unknown),
			at(12, history.Revoke, "b", history.Unknown),
			at(14, history.SignIn, "b", history.Yes),
			at(16, history.Issue, "", history.No),
		}, history.Ended{
			Live:    map[string]bool{"a": false, "b": true, "c": true},
			Issued:  map[string]int{"a": 1, "b": 1, "c": 1},
			Revoked: map[string]int{"a": 1},
		}
}

// TestEachBreachIsFound changes one thing of a right history at a time.
func TestEachBreachIsFound(t *testing.T) {
	if ops, ended := good(); history.Check(ops, ended) != nil {
		t.Fatal(history.Check(ops, ended))
	}
	for _, c := range []struct {
		name  string
		spoil func(ops []history.Op, ended *history.Ended) []history.Op
		want  error
	}{
		{"a made-up password opens", func(ops []history.Op, _ *history.Ended) []history.Op {
			ops[0].Outcome = history.Yes
			return ops
		}, history.ErrUnearned},
		{"one opens before it is asked for", func(ops []history.Op, _ *history.Ended) []history.Op {
			return append(ops, at(0, history.SignIn, "b", history.Yes))
		}, history.ErrUnearned},
		{"one opens after its revocation", func(ops []history.Op, _ *history.Ended) []history.Op {
			return append(ops, at(9, history.SignIn, "a", history.Yes))
		}, history.ErrRevived},
		{"one is refused while it is live", func(ops []history.Op, _ *history.Ended) []history.Op {
			return append(ops, at(6, history.SignIn, "b", history.No))
		}, history.ErrLost},
		{"one that was issued is gone", func(ops []history.Op, ended *history.Ended) []history.Op {
			delete(ended.Live, "b")
			delete(ended.Issued, "b")
			return ops
		}, history.ErrLost},
		{"a revocation is gone", func(ops []history.Op, ended *history.Ended) []history.Op {
			ended.Live["a"] = true
			delete(ended.Revoked, "a")
			return ops
		}, history.ErrLost},
		{"one is revoked that nobody revoked", func(ops []history.Op, ended *history.Ended) []history.Op {
			ended.Live["d"], ended.Issued["d"], ended.Revoked["d"] = false, 1, 1
			return append(ops, at(20, history.Issue, "d", history.Yes))
		}, history.ErrHalf},
		{"there are more than were asked for", func(ops []history.Op, ended *history.Ended) []history.Op {
			ended.Live["d"], ended.Issued["d"] = true, 1
			return ops
		}, history.ErrHalf},
		{"a refused issue happened", func(ops []history.Op, ended *history.Ended) []history.Op {
			ops[4].Outcome = history.No
			return ops
		}, history.ErrHalf},
		{"an issue has no event", func(ops []history.Op, ended *history.Ended) []history.Op {
			delete(ended.Issued, "b")
			return ops
		}, history.ErrUnrecorded},
		{"an issue has two", func(ops []history.Op, ended *history.Ended) []history.Op {
			ended.Issued["b"] = 2
			return ops
		}, history.ErrUnrecorded},
		{"a revocation has no event", func(ops []history.Op, ended *history.Ended) []history.Op {
			delete(ended.Revoked, "a")
			return ops
		}, history.ErrUnrecorded},
		{"one is recorded as revoked and live", func(ops []history.Op, ended *history.Ended) []history.Op {
			ended.Revoked["b"] = 1
			return ops
		}, history.ErrUnrecorded},
		{"an event is of nothing", func(ops []history.Op, ended *history.Ended) []history.Op {
			ended.Issued["e"] = 1
			return ops
		}, history.ErrUnrecorded},
		{"an event of an end is of nothing", func(ops []history.Op, ended *history.Ended) []history.Op {
			ended.Revoked["e"] = 1
			return ops
		}, history.ErrUnrecorded},
	} {
		ops, ended := good()
		if err := history.Check(c.spoil(ops, &ended), ended); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// TestARightServerIsNeverBlamed makes up histories of a server that does each
// thing at one moment between its beginning and its end, and loses some answers.
func TestARightServerIsNeverBlamed(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // moments
	for run := range 300 {
		ops, ended := rightServer(random)
		if err := history.Check(ops, ended); err != nil {
			t.Fatalf("run %d: %v\n%+v", run, err, ops)
		}
	}
}

// rightServer decides at the times 0, 10, 20 …; each operation begins up to 50
// before and ends up to 50 after its moment, so that they overlap.
func rightServer(random *rand.Rand) (ops []history.Op, ended history.Ended) {
	ended = history.Ended{Live: map[string]bool{}, Issued: map[string]int{}, Revoked: map[string]int{}}
	given := map[string]bool{} // whose issue was answered: nobody else can revoke one
	for n := range 200 {
		lost := random.IntN(5) == 0
		op := history.Op{Begin: time.Duration(10*n - random.IntN(50)), End: time.Duration(10*n + random.IntN(50))}
		op.Credential = fmt.Sprint(random.IntN(20))
		live, there := ended.Live[op.Credential]
		op.Kind = history.Kind(random.IntN(3))
		switch op.Kind {
		case history.Issue:
			op.Credential, op.Outcome = fmt.Sprint(len(ended.Live)), history.Yes
			ended.Live[op.Credential] = true
			ended.Issued[op.Credential]++
			given[op.Credential] = !lost
		case history.Revoke:
			if !live || !given[op.Credential] {
				continue
			}
			op.Outcome = history.Yes
			ended.Live[op.Credential] = false
			ended.Revoked[op.Credential]++
		default:
			op.Outcome = history.No
			if there && live {
				op.Outcome = history.Yes
			}
		}
		if lost {
			op.Outcome = history.Unknown
			if op.Kind == history.Issue {
				op.Credential = ""
			}
		}
		ops = append(ops, op)
	}
	return withoutStrangers(ops), ended
}

// withoutStrangers leaves out who presents what its owner was never given: an
// issue without an answer says no secret to anybody.
func withoutStrangers(ops []history.Op) (out []history.Op) {
	given := map[string]bool{}
	for _, op := range ops {
		given[op.Credential] = given[op.Credential] || op.Kind == history.Issue && op.Outcome == history.Yes
	}
	for _, op := range ops {
		if op.Kind == history.Issue || given[op.Credential] {
			out = append(out, op)
		}
	}
	return out
}

func TestALogRecordsWhatIsDone(t *testing.T) {
	l := history.New()
	if got := l.Do(history.Issue, func() (string, history.Outcome) { return "a", history.Yes }); got != history.Yes {
		t.Errorf("the outcome is %v", got)
	}
	l.Do(history.SignIn, func() (string, history.Outcome) { return "a", history.No })
	ops := l.Ops()
	if len(ops) != 2 || ops[0].Credential != "a" || ops[0].End < ops[0].Begin || ops[1].Begin < ops[0].End {
		t.Errorf("recorded is %+v", ops)
	}
	if l.Count(history.SignIn, history.No) != 1 || l.Count(history.SignIn, history.Yes) != 0 {
		t.Error("the sign-ins are counted wrong")
	}
}
