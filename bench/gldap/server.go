package main

import (
	"fmt"

	"github.com/jimlambrt/gldap"
)

const (
	goodDN       = "uid=tester,ou=people,dc=example,dc=org"
	goodPassword = "right"
	panicDN      = "uid=panic,ou=people,dc=example,dc=org"
)

// serve is the smallest server that gldap's documentation leads to: it checks a
// password and answers searches with nothing. It returns when gldap does.
func serve(addr string) error {
	server, err := gldap.NewServer()
	if err != nil {
		return fmt.Errorf("make the server: %w", err)
	}
	mux, err := gldap.NewMux()
	if err != nil {
		return fmt.Errorf("make the routes: %w", err)
	}
	if err := mux.Bind(bind); err != nil {
		return fmt.Errorf("route bind: %w", err)
	}
	if err := mux.Search(search); err != nil {
		return fmt.Errorf("route search: %w", err)
	}
	if err := server.Router(mux); err != nil {
		return fmt.Errorf("set the routes: %w", err)
	}
	return server.Run(addr)
}

func bind(w *gldap.ResponseWriter, r *gldap.Request) {
	answer := r.NewBindResponse(gldap.WithResponseCode(gldap.ResultInvalidCredentials))
	if m, err := r.GetSimpleBindMessage(); err == nil {
		if m.UserName == panicDN {
			panic("a handler's mistake")
		}
		if m.UserName == goodDN && m.Password == goodPassword {
			answer.SetResultCode(gldap.ResultSuccess)
		}
	}
	_ = w.Write(answer) // the peer may be gone, and there is nobody to tell
}

func search(w *gldap.ResponseWriter, r *gldap.Request) {
	_ = w.Write(r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultSuccess)))
}
