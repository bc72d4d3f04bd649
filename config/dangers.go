package config

import (
	"os"
	"time"
)

// dangers lists what is allowed and should be known. Callers show them at
// start and in "config check".
func (c *Config) dangers() []Problem {
	p := &problems{where: c.places}
	if c.LDAP.CleartextBind == "always" {
		p.add("ldap.cleartext_bind", `"always" lets passwords travel over the network for everybody to read`)
	}
	for i, client := range c.RADIUS.Clients {
		client.dangers(p, index("radius.client", i))
	}
	if c.AppPasswords.AllowCHAP {
		p.add("app_passwords.allow_chap", "lets app passwords be kept so that the key file opens them")
	}
	c.Policy.dangers(p)
	return p.sorted()
}

func (c *RADIUSClient) dangers(p *problems, at string) {
	if !c.RequireMessageAuthenticator {
		p.add(at+".require_message_authenticator", "false lets whoever sits on the network between %q and here forge answers (CVE-2024-3596)", c.Name)
	}
	if c.InsecureMSCHAP && !c.protected() {
		p.add(at+".insecure_mschap", "lets MS-CHAP passwords be broken from a recording of what %q sends, whatever their length", c.Name)
	}
	if c.OTPChallenge {
		p.add(at+".otp_challenge", "the primary password of accounts with MFA on counts at %q, together with a code", c.Name)
	}
}

func (t *Policy) dangers(p *problems) {
	if !t.GraceUntil.IsZero() {
		p.add("policy.grace_until", "until %s accounts with MFA on and nothing enrolled sign in with the primary password at legacy clients", t.GraceUntil.Format(time.RFC3339))
	}
	if len(t.ReportOnlyGroups) > 0 {
		p.add("policy.report_only_groups", "until %s refusals of the primary password are recorded for these groups, not carried out", t.ReportOnlyUntil.Format(time.RFC3339))
	}
}

// readableSecrets warns of secrets written into a file that others can read.
func (c *Config) readableSecrets(path string) []Problem {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o044 == 0 {
		return nil
	}
	p := &problems{where: c.places}
	for i, client := range c.RADIUS.Clients {
		if client.Secret.Reveal() != "" {
			p.add(index("radius.client", i)+".secret", "others can read this file, and so this secret: use secret_file, or chmod 600 %s", path)
		}
	}
	return p.list
}
