package main

import (
	"fmt"
	"strings"
	"time"

	"postern/account"
	"postern/config"
	"postern/directory"
	"postern/ldapsrv"
	"postern/policy"
	"postern/policy/brake"
	"postern/radiussrv"
	"postern/secret"
)

const day = 24 * time.Hour

// domainOf is the domain that the dc= parts of a base DN spell, "" for none.
func domainOf(baseDN string) string {
	var labels []string
	for part := range strings.SplitSeq(baseDN, ",") {
		kind, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if strings.EqualFold(kind, "dc") {
			labels = append(labels, value)
		}
	}
	return strings.ToLower(strings.Join(labels, "."))
}

// converter turns names of the configuration into normalised ones and keeps
// what could not be.
type converter struct {
	c        *config.Config
	problems []config.Problem
}

func (v *converter) name(key, name string) string {
	normal, err := directory.NormalizeLogin(name)
	if err != nil {
		v.problems = append(v.problems, v.c.Problem(key, fmt.Sprintf("%q can be no name: %v", name, err)))
	}
	return normal
}

func (v *converter) names(key string, names []string) []string {
	normal := make([]string, 0, len(names))
	for i, name := range names {
		normal = append(normal, v.name(fmt.Sprintf("%s[%d]", key, i), name))
	}
	return normal
}

// rulesOf is what the configuration says to the policy. The error is a
// *config.Error.
func rulesOf(c *config.Config) (*policy.Rules, error) {
	v := &converter{c: c}
	r := &policy.Rules{
		Domain:            domainOf(c.BaseDN),
		MFAGroups:         v.names("policy.mfa_groups", c.Policy.MFAGroups),
		Exempt:            v.names("policy.exempt", c.Policy.Exempt),
		AppPasswordGroups: v.names("policy.app_password_groups", c.Policy.AppPasswordGroups),
		GraceUntil:        c.Policy.GraceUntil,
		ReportOnlyGroups:  v.names("policy.report_only_groups", c.Policy.ReportOnlyGroups),
		ReportOnlyUntil:   c.Policy.ReportOnlyUntil,
		MaxPerAccount:     c.AppPasswords.MaxPerAccount,
		UnusedAfter:       time.Duration(c.AppPasswords.UnusedDays) * day,
		Brakes:            brakesOf(c.Brakes),
		TrustedRelays:     c.LDAP.TrustedRelays,
	}
	if c.Portal.AdminGroup != "" {
		r.MFAGroups = append(r.MFAGroups, v.name("portal.admin_group", c.Portal.AdminGroup))
	}
	for _, s := range c.Services {
		r.Services = append(r.Services, directory.Service{
			Name: s.Name, LDAPNetworks: s.LDAPNetworks, LDAPListeners: s.LDAPListeners, LDAPBase: s.LDAPBase,
			RADIUSClients: s.RADIUSClients, RequireAppPassword: s.RequireAppPassword,
		})
	}
	for i, a := range c.ServiceAccounts {
		name := v.name(fmt.Sprintf("service_account[%d].name", i), a.Name)
		r.ServiceAccounts = append(r.ServiceAccounts, policy.ServiceAccount{Name: name, Networks: a.Networks})
	}
	if len(v.problems) > 0 {
		return nil, &config.Error{Problems: v.problems}
	}
	return r, nil
}

func brakesOf(c config.Brakes) policy.Brakes {
	return policy.Brakes{
		Limits: brake.Limits{
			Tries: c.Tries, First: c.First, Longest: c.Longest, Forget: c.Forget,
			UnfamiliarPerDay: c.UnfamiliarPerDay, SourcePerMinute: c.SourcePerMinute,
			FamiliarFor: time.Duration(c.FamiliarDays) * day,
		},
		RememberAccepted: c.RememberAccepted, RememberRefused: c.RememberRefused,
	}
}

// settingsOf is what the configuration says to account.
func settingsOf(c *config.Config, rules *policy.Rules) *account.Settings {
	format := secret.Standard
	if c.AppPasswords.Format == "compact" {
		format = secret.Compact
	}
	var otp []string
	for _, client := range c.RADIUS.Clients {
		if client.OTPChallenge {
			otp = append(otp, client.Name)
		}
	}
	return &account.Settings{
		OTPClients:             otp,
		Rules:                  *rules,
		Format:                 format,
		MaxPerAccount:          c.AppPasswords.MaxPerAccount,
		Lifetime:               time.Duration(c.AppPasswords.LifetimeDays) * day,
		DefaultServices:        c.AppPasswords.DefaultServices,
		AllowCHAP:              c.AppPasswords.AllowCHAP,
		RevokeOnPasswordChange: c.AppPasswords.OnPasswordChange == "revoke",
		RevokeOnMFAReset:       c.AppPasswords.OnMFAReset == "revoke",
	}
}

// cleartextBinds are the words of cleartext_bind. A word that is not here
// means never.
var cleartextBinds = map[string]ldapsrv.CleartextBind{
	"never": ldapsrv.CleartextNever, "loopback": ldapsrv.CleartextLoopback, "always": ldapsrv.CleartextAlways,
}

// ldapRulesOf is what the configuration says to the LDAP server.
func ldapRulesOf(c *config.Config, rules *policy.Rules) ldapsrv.Rules {
	r := ldapsrv.Rules{
		CleartextBind:   cleartextBinds[c.LDAP.CleartextBind],
		TrustedRelays:   c.LDAP.TrustedRelays,
		ServiceAccounts: serviceAccountsOf(c, rules),
		Readers:         readersOf(c),
		HideRoot:        c.LDAP.AnonymousRead != "schema",
		ActiveDirectory: c.LDAP.Profile == "ad",
		NestedMemberOf:  c.LDAP.MemberOf == "nested",
		Search: ldapsrv.SearchLimits{
			Entries: c.LDAP.SizeLimit, LookThrough: c.LDAP.LookThroughLimit, Time: c.LDAP.TimeLimit,
		},
	}
	for _, s := range c.Services {
		if s.LDAPBase != "" {
			r.Applications = append(r.Applications, s.LDAPBase)
		}
	}
	return r
}

// radiusClientsOf is what the configuration says of the RADIUS clients, with
// their secrets read from their files. The error is a *config.Error.
func radiusClientsOf(c *config.Config) ([]radiussrv.Client, error) {
	var clients []radiussrv.Client
	var problems []config.Problem
	for i, k := range c.RADIUS.Clients {
		shared, err := k.SharedSecret()
		if err != nil {
			problems = append(problems, c.Problem(fmt.Sprintf("radius.client[%d].secret_file", i), err.Error()))
			continue
		}
		client := radiussrv.Client{
			Name: k.Name, Address: k.Address, Secret: secret.NewText(shared.Reveal()),
			AllowUnsigned: !k.RequireMessageAuthenticator, AllowUnsignedProxyState: !k.LimitProxyState,
			InsecureMSCHAP: k.InsecureMSCHAP, OTPChallenge: k.OTPChallenge,
		}
		if k.Transport == "tls" {
			client.Certificates = k.Certificates
		}
		for _, m := range k.Methods {
			client.Methods = append(client.Methods, radiussrv.Method(m))
		}
		clients = append(clients, client)
	}
	if len(problems) > 0 {
		return nil, &config.Error{Problems: problems}
	}
	return clients, nil
}
