package directory

import "time"

// AccountingKind says what a device reports (RFC 2866 §5.1). The set is closed.
type AccountingKind uint8

const (
	AccountingStart   AccountingKind = iota + 1 // somebody is on
	AccountingInterim                           // and still is
	AccountingStop                              // and is no more
	AccountingOn                                // the device has started: nobody is on
	AccountingOff                               // the device stops: nobody is on
)

// WholeDevice says that a report is about a device and not about a session.
func (k AccountingKind) WholeDevice() bool { return k == AccountingOn || k == AccountingOff }

// NetworkSessionKey tells network sessions apart.
type NetworkSessionKey struct {
	Client   string // name of the RADIUS client
	NAS      string // what the device calls itself, or its address
	Session  string // its Acct-Session-Id
	UserName string // as it was reported
}

// AccountingRecord is one report of a device. Times are UTC.
type AccountingRecord struct {
	Key  NetworkSessionKey
	Kind AccountingKind
	At   time.Time // when what is reported happened

	// AccountID and Credential are whom the session was granted to, "" where
	// that is not known. A session of a primary password has no Credential.
	AccountID, Credential string
	// Class is what the server gave the device with the accept: what the session
	// rests on, sealed. "" where the device did not bring it back.
	Class string

	NASIdentifier, NASAddress string // as reported; "" where they were not
	Address                   string // the person's, inside the network
	Reported                  string // Calling-Station-Id: where the person comes from
	Called                    string // Called-Station-Id: what was called
	Port                      string
	Seconds                   int64 // for how long the session has been on
	InOctets, OutOctets       int64
	Cause                     int64 // of a stop: Acct-Terminate-Cause
}

// NetworkSessionEnd says how a session ended. "" has not.
type NetworkSessionEnd string

const (
	EndedByStop       NetworkSessionEnd = "stop"       // the device said so
	EndedByDevice     NetworkSessionEnd = "device"     // the device started or stopped as a whole
	EndedByDisconnect NetworkSessionEnd = "disconnect" // it was asked for, and the device agreed
	EndedBySilence    NetworkSessionEnd = "silence"    // nothing was heard of it for too long
)

// NetworkSession is somebody on a network through a RADIUS client, as the
// client reports it. Times are UTC, in seconds.
type NetworkSession struct {
	ID string // UUID
	NetworkSessionKey
	AccountID, Login          string // "": not known whose it is
	Credential, Label         string // of the app password; Label is filled by reads
	Class                     string // as in AccountingRecord
	NASIdentifier, NASAddress string
	Address                   string
	Reported, Called, Port    string
	StartedAt, SeenAt         time.Time
	EndedAt                   time.Time // zero: on
	Ended                     NetworkSessionEnd
	Seconds                   int64
	InOctets, OutOctets       int64
	Cause                     int64

	// What became of asking the device to end it.
	Tries   int64
	NextTry time.Time
	Outcome string // "": not asked for, or still being tried
}

// reusedAfter is how long after its stop an identifier may mean a new session.
// A start that arrives sooner is an old one that was sent again.
const reusedAfter = time.Minute

// Apply takes a report of the session in, and says whether it changed
// anything. Reports may come twice, late and in any order.
func (s *NetworkSession) Apply(r AccountingRecord) bool {
	before := *s
	if s.StartedAt.IsZero() || s.reused(r) {
		*s = NetworkSession{ID: s.ID, NetworkSessionKey: r.Key, StartedAt: r.At.Add(-time.Duration(r.Seconds) * time.Second)}
	}
	if began := r.At.Add(-time.Duration(r.Seconds) * time.Second); r.Kind == AccountingStart && began.Before(s.StartedAt) {
		s.StartedAt = began
	}
	s.describe(r)
	if !r.At.Before(s.SeenAt) {
		s.SeenAt, s.Seconds = r.At, max(s.Seconds, r.Seconds)
		if r.Kind != AccountingStart {
			s.InOctets, s.OutOctets = r.InOctets, r.OutOctets
		}
	}
	s.turn(r)
	return *s != before
}

// reused says that r begins a session of its own under an old identifier.
func (s *NetworkSession) reused(r AccountingRecord) bool {
	return r.Kind == AccountingStart && !s.EndedAt.IsZero() && r.At.After(s.EndedAt.Add(reusedAfter))
}

// turn ends the session, or takes back that it had ended where only silence or
// a start of the device spoke for it.
func (s *NetworkSession) turn(r AccountingRecord) {
	switch {
	case r.Kind == AccountingStop && s.Ended != EndedByStop:
		s.EndedAt, s.Ended, s.Cause = r.At, EndedByStop, r.Cause
	case r.Kind != AccountingStop && s.Ended != "" && s.Ended != EndedByStop && r.At.After(s.EndedAt):
		s.EndedAt, s.Ended = time.Time{}, ""
		s.Tries, s.NextTry, s.Outcome = 0, time.Time{}, ""
	}
}

// describe keeps what r says and what was not known before.
func (s *NetworkSession) describe(r AccountingRecord) {
	for to, value := range map[*string]string{
		&s.NASIdentifier: r.NASIdentifier, &s.NASAddress: r.NASAddress, &s.Address: r.Address,
		&s.Reported: r.Reported, &s.Called: r.Called, &s.Port: r.Port,
	} {
		if value != "" {
			*to = value
		}
	}
	if s.AccountID == "" || r.Class != "" {
		s.AccountID, s.Credential, s.Class = r.AccountID, r.Credential, r.Class
	}
}

// NetworkSessionFilter selects sessions. Zero fields select all that are on.
type NetworkSessionFilter struct {
	AccountID string
	Ended     bool // those that ended as well
	Limit     int
}
