package store_test

import (
	"postern/account"
	"postern/policy"
	"postern/store"
)

// What others ask of the storage, the Store gives.
var (
	_ policy.Records       = (*store.Store)(nil)
	_ policy.Challengeable = (*store.Store)(nil)
	_ policy.Holdings      = (*store.Store)(nil)
	_ policy.Marks         = (*store.Store)(nil)
	_ policy.Sink          = (*store.Store)(nil)
	_ account.Records      = (*store.Store)(nil)
)
