package policy

import "testing"

// primary says that the primary password was right.
func primary(f Facts) bool { return f.Match == MatchPrimary || f.Match == MatchPrimaryAndSecond }

// mfaOn is what people mean by it: demanded, enrolled or not.
func mfaOn(f Facts) bool { return f.MFA == MFAEnabled || f.MFA == MFAEnforced }

// invariants are what must hold of every set of facts, whatever the golden
// table says: they stop a table that was regenerated without being read. The
// three switches are named wherever one of them may make a difference.
var invariants = []struct {
	name  string
	holds func(Facts, Decision) bool
}{
	{"an accepted account is active and the credential valid", func(f Facts, d Decision) bool {
		return d.Outcome != Accept || f.Account == AccountActive && (f.Match == MatchAppPassword || primary(f))
	}},
	{"with MFA on, the primary alone is never accepted by a legacy client, but for report-only, grace and OTP challenge", func(f Facts, d Decision) bool {
		reportOnly := f.ReportOnly
		grace := f.MFA == MFAEnabled && f.Grace
		otpChallenge := f.Client == LegacyOTP && f.Match == MatchPrimaryAndSecond
		softened := reportOnly || grace || otpChallenge
		return d.Outcome != Accept || f.Client == Interactive || !primary(f) || !mfaOn(f) || softened
	}},
	{"where app passwords are demanded, no primary is accepted by a legacy client, but for report-only and OTP challenge", func(f Facts, d Decision) bool {
		reportOnly := f.ReportOnly
		otpChallenge := f.Client == LegacyOTP && f.Match == MatchPrimaryAndSecond
		return d.Outcome != Accept || f.Client == Interactive || !primary(f) || f.Demand != AppPasswordDemanded || reportOnly || otpChallenge
	}},
	{"at the portal MFA on never ends in a session without a second factor", func(f Facts, d Decision) bool {
		return d.Outcome != Accept || f.Client != Interactive || !mfaOn(f) || f.MFA == MFAEnforced && f.Match == MatchPrimaryAndSecond
	}},
	{"report-only makes nothing stricter and lets in none but a right primary at a legacy client", func(f Facts, d Decision) bool {
		with, without := f, f
		with.ReportOnly, without.ReportOnly = true, false
		a, b := Decide(with), Decide(without)
		return a == b || b.Outcome == Reject && a.Outcome == Accept && f.Client != Interactive && primary(f)
	}},
	{"grace makes nothing stricter and lets in none but a right primary with nothing enrolled at a legacy client", func(f Facts, d Decision) bool {
		with, without := f, f
		with.Grace, without.Grace = true, false
		a, b := Decide(with).Outcome, Decide(without).Outcome
		return a == b || b == Reject && a == Accept && f.Client != Interactive && primary(f) && f.MFA == MFAEnabled
	}},
	{"second factor and enrol are asked only of a client that can, of a right primary", func(f Facts, d Decision) bool {
		switch d.Outcome {
		case SecondFactor:
			return f.Client != Legacy && f.Match == MatchPrimary && f.MFA == MFAEnforced
		case Enrol:
			return f.Client == Interactive && primary(f) && f.MFA == MFAEnabled
		}
		return true
	}},
	{"an app password opens nothing at an interactive client", func(f Facts, d Decision) bool {
		return f.Client != Interactive || f.Match != MatchAppPassword || d.Outcome == Reject || d.Outcome == Busy || d.Outcome == Unavailable
	}},
	{"a live app password opens a legacy client whatever MFA, demands, switches and brakes", func(f Facts, d Decision) bool {
		usable := f.Trouble == NoTrouble && f.Account == AccountActive && f.Match == MatchAppPassword && f.Client != Interactive
		return !usable || d.Outcome == Accept
	}},
	{"brakes never touch app passwords, and let nothing in", func(f Facts, d Decision) bool {
		with, without := f, f
		with.Braked, without.Braked = true, false
		a, b := Decide(with), Decide(without)
		return a == b || f.Match != MatchAppPassword && a.Outcome == Reject
	}},
	{"a service account has no primary password", func(f Facts, d Decision) bool {
		return f.Kind == PersonKind || !primary(f) || d.Outcome == Reject || f.Trouble != NoTrouble
	}},
	{"every decision has a reason", func(_ Facts, d Decision) bool { return d.Reason != ReasonNone }},
	{"trouble is neither yes nor no, and nothing else is trouble", func(f Facts, d Decision) bool {
		return (f.Trouble == Broken) == (d.Outcome == Unavailable) && (f.Trouble == HashQueueFull) == (d.Outcome == Busy)
	}},
	{"would-refuse is said of report-only and of nothing else", func(f Facts, d Decision) bool {
		says := d.Reason == ReasonWouldRefuseMFA || d.Reason == ReasonWouldRefuseHere
		return !says || f.ReportOnly && d.Outcome == Accept
	}},
	{"Decide says what and why, never who", func(_ Facts, d Decision) bool {
		return d == verdict(d.Outcome, d.Reason)
	}},
}

func TestInvariantsHoldOfEveryFact(t *testing.T) {
	for _, inv := range invariants {
		t.Run(inv.name, func(t *testing.T) {
			for f := range everyFacts() {
				if d := Decide(f); !inv.holds(f, d) {
					t.Fatalf("%+v: %v %q", f, d.Outcome, d.Reason)
				}
			}
		})
	}
}

func TestInvariantsZeroValuesRefuse(t *testing.T) {
	if d := Decide(Facts{}); d.Outcome != Reject || d.Reason != ReasonUnknownAccount {
		t.Errorf("zero Facts: %v %q", d.Outcome, d.Reason)
	}
	if (Decision{}).Outcome != Reject {
		t.Error("the zero Decision does not reject")
	}
	active := Facts{Account: AccountActive, Kind: PersonKind, Match: MatchPrimary}
	if d := Decide(active); d.Outcome != Reject || d.Reason != ReasonPrimaryWithMFA {
		t.Errorf("a right primary with everything else zero: %v %q", d.Outcome, d.Reason)
	}
}

// TestInvariantsAValueNobodyNamedOpensNothing puts on each axis a value that
// is no constant: it opens only what the zero value, the strictest, opens too.
func TestInvariantsAValueNobodyNamedOpensNothing(t *testing.T) {
	for _, a := range axes[:7] {
		for f := range everyFacts() {
			zero := f
			a.set(&zero, 0)
			a.set(&f, len(a.words))
			if d := Decide(f); d.Outcome == Accept && Decide(zero).Outcome != Accept {
				t.Fatalf("%s without a name: %+v: %v %q", a.name, f, d.Outcome, d.Reason)
			}
		}
	}
}
