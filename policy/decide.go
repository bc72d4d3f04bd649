package policy

// verdict is what the rules say, before the engine adds who and when.
func verdict(o Outcome, r Reason) Decision { return Decision{Outcome: o, Reason: r} }

// Decide says what the rules say of f. It is pure; the first rule that
// matches wins. Only Outcome and Reason of the result are set.
func Decide(f Facts) Decision {
	switch {
	case f.Trouble == Broken:
		return verdict(Unavailable, ReasonUnavailable)
	case f.Trouble != NoTrouble:
		return verdict(Busy, ReasonBusy)
	case f.Account == AccountDisabled:
		return verdict(Reject, ReasonAccountDisabled)
	case f.Account == AccountExpired:
		return verdict(Reject, ReasonAccountExpired)
	case f.Account != AccountActive:
		return verdict(Reject, ReasonUnknownAccount)
	}
	switch f.Match {
	case MatchAppPassword:
		return decideAppPassword(f)
	case MatchPrimary, MatchPrimaryAndSecond:
		return decidePrimary(f)
	}
	return verdict(Reject, mismatch(f))
}

// mismatch names why a credential that is none, or none any more, is refused.
// Where the brakes are on, nobody looked whether it was the primary.
func mismatch(f Facts) Reason {
	switch {
	case f.Match == MatchRevoked:
		return ReasonRevoked
	case f.Match == MatchExpired:
		return ReasonCredentialEnded
	case f.Match == MatchUnused:
		return ReasonUnused
	case f.Match == MatchOtherService:
		return ReasonOtherService
	case f.Match == MatchOtherNetwork:
		return ReasonOtherNetwork
	case f.Match == MatchForged:
		return ReasonForged
	case f.Match == MatchPrimaryWrongSecond:
		return ReasonWrongSecond
	case f.Braked:
		return ReasonBraked
	}
	return ReasonWrongSecret
}

// decideAppPassword holds rules 3 and 5.
func decideAppPassword(f Facts) Decision {
	if f.Client == Legacy || f.Client == LegacyOTP {
		return verdict(Accept, ReasonAppPassword)
	}
	return verdict(Reject, ReasonNotInteractive)
}

// decidePrimary holds what stands before the rules for a right primary.
func decidePrimary(f Facts) Decision {
	switch {
	case f.Kind != PersonKind:
		return verdict(Reject, ReasonServicePrimary)
	case f.Braked:
		return verdict(Reject, ReasonBraked)
	case f.Client == Interactive:
		return decideInteractive(f)
	}
	return decideLegacy(f)
}

// decideInteractive holds rule 6.
func decideInteractive(f Facts) Decision {
	switch {
	case f.MFA == MFAOff:
		return verdict(Accept, ReasonPrimary)
	case f.MFA == MFAEnabled:
		return verdict(Enrol, ReasonAskEnrol)
	case f.Match == MatchPrimaryAndSecond:
		return verdict(Accept, ReasonPrimaryAndSecond)
	}
	return verdict(SecondFactor, ReasonAskSecondFactor)
}

// decideLegacy holds rule 2 and the switches that soften it. A client that can
// ask for a code asks also under report-only: report-only accepts what would be
// refused, and this is not refused.
func decideLegacy(f Facts) Decision {
	switch {
	case f.MFA == MFAOff:
		return decideDemand(f, ReasonPrimary)
	case f.MFA == MFAEnabled && f.Grace:
		return decideDemand(f, ReasonGrace)
	case f.MFA == MFAEnabled || f.Client != LegacyOTP:
		return soften(f, ReasonPrimaryWithMFA, ReasonWouldRefuseMFA)
	case f.Match == MatchPrimaryAndSecond:
		return verdict(Accept, ReasonPrimaryAndSecond)
	}
	return verdict(SecondFactor, ReasonAskSecondFactor)
}

// decideDemand holds rule 4. why is what it is accepted for.
func decideDemand(f Facts, why Reason) Decision {
	if f.Demand != PrimaryWillDo {
		return soften(f, ReasonPrimaryNotHere, ReasonWouldRefuseHere)
	}
	return verdict(Accept, why)
}

// soften refuses, or under report-only accepts and says it would refuse.
func soften(f Facts, refuse, wouldRefuse Reason) Decision {
	if f.ReportOnly {
		return verdict(Accept, wouldRefuse)
	}
	return verdict(Reject, refuse)
}
