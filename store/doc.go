// Package store keeps accounts, groups, app passwords, second factors and
// events in a database, and nothing else does. Every method is one question or
// one change: a change of an account or credential, the event that records it
// and the new change version commit together in one durable transaction, or
// none of them does.
//
// The engine is SQLite. The SQL is the subset that PostgreSQL shares; what
// differs (opening, placeholders, reading of errors) is in sqlite.go. The suite
// in storetest says what an engine must do.
//
// It implements the interfaces that policy and account declare. It may import
// policy, directory and secret of Postern's own, and never a protocol server,
// the configuration or net/http.
package store
