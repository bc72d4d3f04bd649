package directory

import (
	"testing"
	"time"
)

var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

func report(kind AccountingKind, after time.Duration, edit ...func(*AccountingRecord)) AccountingRecord {
	r := AccountingRecord{Key: NetworkSessionKey{"vpn", "gate", "01", "ann"}, Kind: kind, At: noon.Add(after)}
	for _, e := range edit {
		e(&r)
	}
	return r
}

func octets(in, out, seconds int64) func(*AccountingRecord) {
	return func(r *AccountingRecord) { r.InOctets, r.OutOctets, r.Seconds = in, out, seconds }
}

func follow(reports ...AccountingRecord) (s NetworkSession) {
	for _, r := range reports {
		s.Apply(r)
	}
	return s
}

func TestASessionIsTheSameWhateverTheOrderAndRepetitionOfItsReports(t *testing.T) {
	start := report(AccountingStart, 0)
	interim := report(AccountingInterim, 5*time.Minute, octets(1<<33, 7, 300))
	stop := report(AccountingStop, 10*time.Minute, octets(1<<34, 9, 600), func(r *AccountingRecord) { r.Cause = 1 })
	want := follow(start, interim, stop)
	if want.StartedAt != noon || want.EndedAt != noon.Add(10*time.Minute) || want.Ended != EndedByStop ||
		want.InOctets != 1<<34 || want.OutOctets != 9 || want.Seconds != 600 || want.Cause != 1 {
		t.Fatalf("start, interim, stop: %+v", want)
	}
	for name, order := range map[string][]AccountingRecord{
		"each twice":        {start, start, interim, interim, stop, stop},
		"stop alone":        {stop},
		"stop before start": {stop, start},
		"interim last":      {start, stop, interim},
		"start last":        {interim, stop, start},
	} {
		if got := follow(order...); got != want {
			t.Errorf("%s: %+v\nwant %+v", name, got, want)
		}
	}
}

func TestARepeatedReportChangesNothing(t *testing.T) {
	var s NetworkSession
	for _, r := range []AccountingRecord{report(AccountingStart, 0), report(AccountingInterim, time.Minute, octets(1, 2, 60)), report(AccountingStop, time.Hour)} {
		if !s.Apply(r) {
			t.Errorf("%d changed nothing", r.Kind)
		}
		if s.Apply(r) {
			t.Errorf("%d changed something the second time", r.Kind)
		}
	}
}

func TestAnIdentifierThatIsUsedAgainIsANewSession(t *testing.T) {
	first := []AccountingRecord{report(AccountingStart, 0), report(AccountingStop, time.Minute, octets(5, 5, 60))}
	if s := follow(append(first, report(AccountingStart, 90*time.Second))...); s.EndedAt.IsZero() {
		t.Error("a start that was sent again brought an ended session back")
	}
	s := follow(append(first, report(AccountingStart, time.Hour))...)
	if !s.EndedAt.IsZero() || s.StartedAt != noon.Add(time.Hour) || s.InOctets != 0 {
		t.Errorf("the session after it: %+v", s)
	}
}

func TestAReportTakesBackAnEndThatNobodyReported(t *testing.T) {
	for _, ended := range []NetworkSessionEnd{EndedBySilence, EndedByDevice, EndedByDisconnect, EndedByStop} {
		s := follow(report(AccountingStart, 0))
		s.Ended, s.EndedAt, s.Tries, s.Outcome = ended, noon.Add(time.Hour), 3, "x"
		s.Apply(report(AccountingInterim, 30*time.Minute))
		if s.Ended != ended {
			t.Errorf("%s: a report from before the end took it back", ended)
		}
		s.Apply(report(AccountingInterim, 2*time.Hour))
		if on := s.EndedAt.IsZero(); on == (ended == EndedByStop) {
			t.Errorf("%s: on is %v after a later report", ended, on)
		}
		if on := s.EndedAt.IsZero(); on && (s.Tries != 0 || s.Outcome != "") {
			t.Errorf("%s: what was tried before stands: %+v", ended, s)
		}
	}
}

func TestWhoseASessionIsStaysKnown(t *testing.T) {
	whose := func(account, credential string) func(*AccountingRecord) {
		return func(r *AccountingRecord) { r.AccountID, r.Credential, r.Class = account, credential, credential }
	}
	s := follow(report(AccountingStart, 0, whose("a", "c")), report(AccountingInterim, time.Minute, whose("a", "")))
	if s.AccountID != "a" || s.Credential != "c" || s.Class != "c" {
		t.Errorf("after a report without Class: %q, %q, %q", s.AccountID, s.Credential, s.Class)
	}
	if s = follow(report(AccountingStart, 0), report(AccountingInterim, time.Minute, whose("a", "c"))); s.Credential != "c" || s.Class != "c" {
		t.Error("what a later report says is not taken")
	}
}
