package directory

import "time"

// PrimaryUse sums up how often the right primary password of one account came
// from legacy clients by one way.
type PrimaryUse struct {
	AccountID string
	Login     string // at the last time
	Service   string
	Protocol  string
	Method    string
	Client    string // name of the RADIUS client, or LDAP listener
	Source    string // address of the LDAP or RADIUS client
	Reported  string // where carried: the person's own address, as the client reports it

	Count       int64 // how often
	Refused     int64 // of these, refused
	WouldRefuse int64 // of these, accepted because report-only was on
	FirstAt     time.Time
	LastAt      time.Time
}
