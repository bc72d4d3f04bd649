package config

import (
	"net/netip"
	"time"
)

// Config is the whole file. It is read by Load or Parse and not changed
// afterwards, so it may be used concurrently.
type Config struct {
	// BaseDN is the distinguished name below which everything lives, such as
	// "dc=example,dc=org". Needed. Its dc= parts are also the domain in
	// user@domain. Changing it needs a restart.
	BaseDN string `toml:"base_dn"`
	// DataDir is the directory of the database. Needed. Whoever can write it
	// can do anything here; init makes it with mode 0700. Changing it needs a
	// restart.
	DataDir string `toml:"data_dir"`
	// KeyFile is the file of the key that app passwords are digested with and
	// secrets are sealed with. Needed; never inside DataDir, so that a copy of
	// the database alone is worth nothing. Without it the database is lost.
	// Changing it needs a restart.
	KeyFile string `toml:"key_file"`

	LDAP            LDAP             `toml:"ldap"`
	RADIUS          RADIUS           `toml:"radius"`
	Portal          Portal           `toml:"portal"`
	TLS             TLS              `toml:"tls"`
	Policy          Policy           `toml:"policy"`
	AppPasswords    AppPasswords     `toml:"app_passwords"`
	Brakes          Brakes           `toml:"brakes"`
	Services        []Service        `toml:"service"`
	ServiceAccounts []ServiceAccount `toml:"service_account"`
	Mail            Mail             `toml:"mail"`
	Events          Events           `toml:"events"`
	Log             Log              `toml:"log"`

	places *places // where each key stands in the file
}

// LDAP is the table of the LDAP server. With both lists empty it is off.
type LDAP struct {
	// Listen are the addresses for LDAP in clear, as "address:port". StartTLS
	// is offered on them where [tls] is set. Default: none. Changing it needs
	// a restart.
	Listen []string `toml:"listen"`
	// ListenTLS are the addresses for LDAP under TLS from the first byte.
	// They need [tls]. Default: none. Changing it needs a restart.
	ListenTLS []string `toml:"listen_tls"`
	// CleartextBind says from where a password is taken on a connection
	// without TLS: "never", "loopback" (the default) or "always". Danger:
	// "always" sends passwords over the network for everybody to read.
	CleartextBind string `toml:"cleartext_bind"`
	// Profile is how entries look: "rfc" (the default), or "ad" for clients
	// that know Active Directory only.
	Profile string `toml:"profile"`
	// AnonymousRead says what can be read without a bind: "schema", the root
	// DSE and the schema (the default), or "none". No entry ever can.
	AnonymousRead string `toml:"anonymous_read"`
	// Readers are groups whose members may read every entry. Other people
	// read their own entry and their own groups. Default: none.
	Readers []string `toml:"readers"`
	// MemberOf says which groups memberOf lists: "direct" (the default), those
	// that hold the entry themselves, or "nested", those by nesting too.
	MemberOf string `toml:"member_of"`
	// SizeLimit is how many entries one search returns at most, over all its
	// pages, from 1 up. Default: 1000000. A client may ask for less.
	SizeLimit int `toml:"size_limit"`
	// TimeLimit is how long one search may take, sending included, from "1s"
	// to "24h". Default: "1h". A client may ask for less.
	TimeLimit time.Duration `toml:"time_limit"`
	// LookThroughLimit is how many entries one search, or one page of it,
	// considers at most, from 1 up: those that an index leaves, whether they
	// match or not. Default: 1000000.
	LookThroughLimit int `toml:"look_through_limit"`
	// TrustedRelays are addresses or networks of servers that bind for many
	// people, such as a mail server. They have only the total limit of
	// connections, and no limit of wrong passwords of their own. Default: none.
	TrustedRelays []netip.Prefix `toml:"trusted_relays"`
}

// RADIUS is the table of the RADIUS server. Without a listener it is off.
type RADIUS struct {
	// Listen are the UDP addresses for authentication. Default: none. Changing
	// it needs a restart.
	Listen []string `toml:"listen"`
	// AccountingListen are the UDP addresses for accounting. Default: none.
	// Changing it needs a restart.
	AccountingListen []string `toml:"accounting_listen"`
	// RejectDelay is the least time between a request and its refusal, from
	// "0s" to "10s". Default: "1s". Devices give up after a few seconds.
	RejectDelay time.Duration `toml:"reject_delay"`
	// RadSecListen are the TCP addresses for RADIUS over TLS (RFC 6614), for
	// authentication and accounting. They need [tls]. Default: none. Changing
	// it needs a restart.
	RadSecListen []string `toml:"radsec_listen"`
	// RadSecCA is the PEM file of the authorities that sign the certificates
	// of devices. Needed with RadSecListen. It is re-read when it changes.
	RadSecCA string `toml:"radsec_ca"`
	// StaleSessions is after how long without a report a session counts as
	// over. Default: "24h". Devices that send interim reports do it within the
	// hour.
	StaleSessions time.Duration `toml:"stale_sessions"`
	// EAP is for methods that go through TLS, and for EAP-TLS.
	EAP EAP `toml:"eap"`
	// Clients are the devices that may ask. Requests from elsewhere are
	// dropped without an answer.
	Clients []RADIUSClient `toml:"client"`
	// Replies say what accepts carry beside the yes.
	Replies []RADIUSReply `toml:"reply"`
}

// EAP is the table of EAP with TLS inside RADIUS: EAP-TTLS, PEAP, EAP-TLS. Left
// out whole, there is none. Changes hold for conversations that begin later.
type EAP struct {
	// Certificate is the PEM file of the certificate and its chain that phones
	// and laptops are shown. Default: "cert.pem". It is re-read when it
	// changes. They must be told its name and who signed it, or they give the
	// password to whoever shows any certificate.
	Certificate string `toml:"certificate"`
	// Key is the PEM file of its private key. Default: "key.pem".
	Key string `toml:"key"`
	// MinTLS is "1.2" (the default) or "1.3". Older TLS is never spoken.
	MinTLS string `toml:"min_tls"`
	// Resumption is for how long after a full sign-in a device may resume its
	// TLS session and present nothing, "24h" at most; its credential is looked
	// at each time. Default: "8h". "0s" is never.
	Resumption time.Duration `toml:"resumption"`
	// Fragment is the largest piece of TLS in one message, in bytes, from 100
	// to 1400. Default: 1000. A device's Framed-MTU is kept to as well.
	Fragment int `toml:"fragment"`
}

// RADIUSClient is one device, or one network of devices that share a secret.
type RADIUSClient struct {
	// Name is what services, events and the log call it. Needed.
	Name string `toml:"name"`
	// Address is where its requests come from, an address or a network.
	// Needed. Of several that hold an address the longest wins.
	Address netip.Prefix `toml:"address"`
	// SecretFile is a file that holds the shared secret and nothing else; one
	// trailing newline is dropped. It is re-read when it changes. Either this
	// or Secret.
	SecretFile string `toml:"secret_file"`
	// Secret is the shared secret itself, 16 characters at least. Danger:
	// whoever can read the file then has it.
	Secret Secret `toml:"secret"`
	// RequireMessageAuthenticator drops requests without that attribute.
	// Default: true. Danger: false lets whoever sits on the network forge
	// answers (BlastRADIUS, CVE-2024-3596).
	RequireMessageAuthenticator bool `toml:"require_message_authenticator"`
	// LimitProxyState drops requests that carry Proxy-State and no
	// Message-Authenticator. Default: true. It matters only where the
	// attribute above is not required, and is what is then left of the
	// defence.
	LimitProxyState bool `toml:"limit_proxy_state"`
	// Methods are what the device may authenticate with, each a whole way from
	// the outside in; see RADIUSMethods. The first that is EAP is what devices
	// are asked for first. Default: ["pap"].
	Methods []string `toml:"methods"`
	// InsecureMSCHAP allows the challenge methods outside TLS: chap, mschapv1,
	// mschapv2, eap-mschapv2, eap-md5. Default: false. Danger: a recorded
	// exchange of MS-CHAP can be broken in a day, whatever the length of the
	// password.
	InsecureMSCHAP bool `toml:"insecure_mschap"`
	// OTPChallenge says that the device can ask for a code: there the primary
	// password counts together with a fresh code. Default: false. It is one
	// of the three switches that soften the rules.
	OTPChallenge bool `toml:"otp_challenge"`
	// Transport is "udp" (the default) or "tls", RADIUS over TLS; then there
	// is no secret.
	Transport string `toml:"transport"`
	// Certificates are what the certificate of a "tls" client must have one
	// of: a name (DNS, IP or URI), or "sha256:" and its fingerprint. Default:
	// none.
	Certificates []string `toml:"certificates"`
	// DAE is where the device takes requests to end a session.
	DAE DAE `toml:"dae"`
}

// Portal is the table of the self-service pages. Without Listen it is off.
type Portal struct {
	// Listen is the address for HTTP, as "address:port". Default: none.
	// Changing it needs a restart.
	Listen string `toml:"listen"`
	// PublicURL is the address people type. Default: "http://localhost:8080".
	// It is https anywhere but on loopback.
	PublicURL string `toml:"public_url"`
	// AdminGroup is the group whose members administer here. It counts as MFA
	// on. Default: "postern-admins".
	AdminGroup string `toml:"admin_group"`
	// EnrolFrom are the networks from where a second factor can be enrolled
	// with the primary password alone; from elsewhere it takes a code. Default:
	// loopback and the private networks.
	EnrolFrom []netip.Prefix `toml:"enrol_from"`
	// TrustedProxies are the reverse proxies in front: their X-Forwarded-For is
	// believed, they do the TLS of an https address, and in clear nobody else
	// is answered then. Default: none; an https address is served with [tls].
	TrustedProxies []netip.Prefix `toml:"trusted_proxies"`
	// Contact is whom people ask when they cannot go on: a name, a telephone
	// number, an address. Default: "", the administrator.
	Contact string `toml:"contact"`

	Mail    PortalMail    `toml:"mail"`
	VPN     PortalVPN     `toml:"vpn"`
	WiFi    PortalWiFi    `toml:"wifi"`
	Printer PortalPrinter `toml:"printer"`
}

// What follows is what people are told to fill in where they use an app
// password. Postern serves none of it. UserName is "login" (the default) or
// "mail".

// PortalMail is the table of the mail server, for Outlook, Apple Mail,
// Thunderbird and phones.
type PortalMail struct {
	// IMAP is "imaps://HOST" (TLS), or "imap://HOST" (STARTTLS), with a port
	// where it is not the usual one. Default: "", nothing is said.
	IMAP string `toml:"imap"`
	// SMTP is "submissions://HOST" (TLS), or "submission://HOST" (STARTTLS).
	// Default: "".
	SMTP     string `toml:"smtp"`
	UserName string `toml:"user_name"`
}

// PortalVPN is the table of the VPN.
type PortalVPN struct {
	// Server is the address that the VPN program asks for. Default: "".
	Server   string `toml:"server"`
	UserName string `toml:"user_name"`
}

// PortalWiFi is the table of the wireless network.
type PortalWiFi struct {
	// Network is its name (SSID). Default: "".
	Network string `toml:"network"`
	// Method is the EAP method as devices call it, such as "TTLS with PAP".
	// Default: "".
	Method string `toml:"method"`
	// Certificate is the name in the server's certificate, to be checked.
	// Default: "".
	Certificate string `toml:"certificate"`
	UserName    string `toml:"user_name"`
}

// PortalPrinter is the table of printers that scan to mail or look up
// addresses.
type PortalPrinter struct {
	// SMTP is as in PortalMail. Default: "".
	SMTP string `toml:"smtp"`
	// LDAP is "ldaps://HOST" (TLS), or "ldap://HOST" (StartTLS). Default: "".
	LDAP     string `toml:"ldap"`
	UserName string `toml:"user_name"`
}

// TLS is the table of the server certificate. Left out whole, there is no TLS;
// to add or remove it needs a restart.
type TLS struct {
	// Certificate is the PEM file of the certificate and its chain. Default:
	// "cert.pem". It is re-read when it changes.
	Certificate string `toml:"certificate"`
	// Key is the PEM file of its private key. Default: "key.pem".
	Key string `toml:"key"`
}

// Policy is the table of the rules. Dates are "2027-01-31", which is that
// day's first moment in UTC, or RFC 3339.
type Policy struct {
	// MFAGroups are groups whose members have MFA on, nested ones too.
	// Default: none.
	MFAGroups []string `toml:"mfa_groups"`
	// Exempt are logins that are never demanded MFA, for the day everything
	// else fails. Each of their sign-ins is an event of its own kind. Default:
	// none.
	Exempt []string `toml:"exempt"`
	// AppPasswordGroups are groups whose members need app passwords at legacy
	// clients whatever their MFA state. Default: none.
	AppPasswordGroups []string `toml:"app_password_groups"`
	// GraceUntil is the moment until when accounts with MFA on and no method
	// enrolled count as MFA off at legacy clients. Default: "", no grace. It
	// is one of the three switches that soften the rules.
	GraceUntil time.Time `toml:"grace_until"`
	// ReportOnlyGroups are groups for whose members refusals of the primary
	// password are recorded, not carried out; ["*"] is everybody. Default:
	// none. It is one of the three switches that soften the rules.
	ReportOnlyGroups []string `toml:"report_only_groups"`
	// ReportOnlyUntil is the moment when that ends. Needed where groups are
	// named. Default: "".
	ReportOnlyUntil time.Time `toml:"report_only_until"`
}

// AppPasswords is the table of what is issued.
type AppPasswords struct {
	// Format is the shape of new ones: "standard" (25 letters, the default) or
	// "compact" (16 letters, for devices with short password boxes; 70 bits).
	// Both shapes are always recognised.
	Format string `toml:"format"`
	// MaxPerAccount is how many live ones an account may hold. Default: 20.
	MaxPerAccount int `toml:"max_per_account"`
	// LifetimeDays is after how many days a new one ends. Default: 0, which is
	// not before it is revoked.
	LifetimeDays int `toml:"lifetime_days"`
	// UnusedDays is after how many days without use one ends. Default: 0,
	// which is never.
	UnusedDays int `toml:"unused_days"`
	// DefaultServices are the services of a new one that names none. Default:
	// ["any"].
	DefaultServices []string `toml:"default_services"`
	// SelfService lets people make their own at the portal. Default: true.
	SelfService bool `toml:"self_service"`
	// OnPasswordChange says what becomes of them when the primary password
	// changes: "keep" (the default) or "revoke".
	OnPasswordChange string `toml:"on_password_change"`
	// OnMFAReset says what becomes of them when an administrator resets MFA:
	// "revoke" (the default) or "keep".
	OnMFAReset string `toml:"on_mfa_reset"`
	// AllowCHAP lets one be issued with a sealed copy of itself, as CHAP and
	// EAP-MD5 need. Default: false. Danger: whoever has database and key then
	// has those app passwords.
	AllowCHAP bool `toml:"allow_chap"`
}

// Brakes is the table of what slows guessing down. It holds for primary
// passwords and second factors; an app password that is right meets no brake.
type Brakes struct {
	// Tries is how many different wrong passwords one source may send for one
	// account before that source is braked for it. Default: 10.
	Tries int `toml:"tries"`
	// First is for how long then. Each further wrong one doubles it. Default:
	// "30s".
	First time.Duration `toml:"first"`
	// Longest is where that ends. Default: "1h".
	Longest time.Duration `toml:"longest"`
	// Forget is the time in which that many tries are forgiven, one by one.
	// Default: "24h".
	Forget time.Duration `toml:"forget"`
	// UnfamiliarPerDay is how many wrong passwords all unfamiliar sources
	// together may send for one account in a day. Default: 100.
	UnfamiliarPerDay int `toml:"unfamiliar_per_day"`
	// SourcePerMinute is how many wrong passwords one source may send in a
	// minute, for whichever accounts. It does not hold for trusted_relays and
	// RADIUS clients. Default: 30.
	SourcePerMinute int `toml:"source_per_minute"`
	// FamiliarDays is for how many days after a sign-in its source is familiar
	// to the account, so that strangers elsewhere cannot brake it. Default: 30.
	FamiliarDays int `toml:"familiar_days"`
	// RememberAccepted is for how long an accepted primary password of an
	// account without MFA is known again without a hash, from the same source.
	// Default: "5m"; "0s" is not at all.
	RememberAccepted time.Duration `toml:"remember_accepted"`
	// RememberRefused is for how long a refused one is, since it came last; it
	// does not count again. Default: "24h"; "0s" is not at all.
	RememberRefused time.Duration `toml:"remember_refused"`
}

// Service is one thing that app passwords can be limited to. An attempt counts
// under the one whose LDAPBase it binds below, else whose listener it came
// through, else whose network is the longest that holds its source; over
// RADIUS, the one that names the client; else under "default".
type Service struct {
	// Name is lower-case letters, digits, dash, dot and underscore. Needed.
	// "default" and "any" are taken.
	Name string `toml:"name"`
	// LDAPNetworks are where this service's binds come from. Default: none.
	LDAPNetworks []netip.Prefix `toml:"ldap_networks"`
	// LDAPListeners are addresses of [ldap] that belong to this service
	// alone, spelled as they are there. Default: none.
	LDAPListeners []string `toml:"ldap_listeners"`
	// LDAPBase is an application base name such as "app=mail", for binds as
	// uid=…,ou=people,app=mail,BASE. Default: "".
	LDAPBase string `toml:"ldap_base"`
	// RADIUSClients are names of RADIUS clients. Default: none.
	RADIUSClients []string `toml:"radius_clients"`
	// RequireAppPassword refuses primary passwords here also for accounts
	// without MFA. Default: false.
	RequireAppPassword bool `toml:"require_app_password"`
}

// ServiceAccount is an application's own identity for searching. Its secret
// is made by "postern service-account secret NAME".
type ServiceAccount struct {
	// Name is the NAME of cn=NAME,ou=system,BASE. Needed.
	Name string `toml:"name"`
	// Networks are where it may come from. Needed; "0.0.0.0/0" and "::/0" are
	// anywhere.
	Networks []netip.Prefix `toml:"networks"`
	// Read are the subtrees it may read, relative to base_dn. Default:
	// ["ou=people", "ou=groups"].
	Read []string `toml:"read"`
	// Attributes are what it may read of an entry. Default: ["*"], which is
	// all there is; secrets are in no entry.
	Attributes []string `toml:"attributes"`
}

// Mail is the table of notices to the owners of accounts. Without Server none
// is sent.
type Mail struct {
	// Server is "submissions://HOST" (TLS), "submission://HOST" (STARTTLS,
	// demanded) or, on loopback alone, "smtp://HOST" (in clear), with a port
	// where it is not the usual one. Default: "", no mail.
	Server string `toml:"server"`
	// From is the address they come from. Needed beside Server.
	From string `toml:"from"`
	// UserName and PasswordFile are for a server that asks for them. The file
	// holds the password and nothing else; it is read again at reload.
	// Default: "".
	UserName     string `toml:"user_name"`
	PasswordFile string `toml:"password_file"`
	// Languages are those a notice is written in, one below the other.
	// Default: ["en", "nl"].
	Languages []string `toml:"languages"`
}

// Events is the table of the record.
type Events struct {
	// KeepDays is for how many days events are kept. Default: 400.
	KeepDays int `toml:"keep_days"`
	// Export is where each event goes as one line of JSON with the names of the
	// Elastic Common Schema: "file:PATH", "syslog:unix:PATH",
	// "syslog:udp://HOST:PORT" or "syslog:tcp://HOST:PORT". Default: "", nowhere.
	Export string `toml:"export"`
}

// Log is the table of what serve writes to standard error.
type Log struct {
	// Level is "debug", "info" (the default), "warn" or "error". At no level
	// is a secret written.
	Level string `toml:"level"`
	// Format is "text" (the default) or "json". Changing it needs a restart.
	Format string `toml:"format"`
}

// Default returns the configuration of a file in which every key is left out.
// It is not valid as it is: base_dn, data_dir, key_file and a listener are
// needed.
func Default() Config {
	return Config{
		LDAP: LDAP{
			CleartextBind: "loopback", Profile: "rfc", AnonymousRead: "schema", MemberOf: "direct",
			SizeLimit: 1_000_000, TimeLimit: time.Hour, LookThroughLimit: 1_000_000,
		},
		RADIUS: RADIUS{RejectDelay: time.Second, StaleSessions: 24 * time.Hour},
		Portal: Portal{
			PublicURL:  "http://localhost:8080",
			AdminGroup: "postern-admins",
			EnrolFrom:  privateNetworks(),
			Mail:       PortalMail{UserName: "login"},
			VPN:        PortalVPN{UserName: "login"},
			WiFi:       PortalWiFi{UserName: "login"},
			Printer:    PortalPrinter{UserName: "login"},
		},
		AppPasswords: AppPasswords{
			Format:           "standard",
			MaxPerAccount:    20,
			DefaultServices:  []string{"any"},
			SelfService:      true,
			OnPasswordChange: "keep",
			OnMFAReset:       "revoke",
		},
		Brakes: Brakes{
			Tries: 10, First: 30 * time.Second, Longest: time.Hour, Forget: 24 * time.Hour,
			UnfamiliarPerDay: 100, SourcePerMinute: 30, FamiliarDays: 30,
			RememberAccepted: 5 * time.Minute, RememberRefused: 24 * time.Hour,
		},
		Mail:   Mail{Languages: []string{"en", "nl"}},
		Events: Events{KeepDays: 400},
		Log:    Log{Level: "info", Format: "text"},
	}
}

func privateNetworks() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("127.0.0.0/8"),
		netip.MustParsePrefix("::1/128"),
		netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"),
		netip.MustParsePrefix("fc00::/7"),
	}
}

// fillDefaults gives a table that is an element of a list, or that is off
// when left out, its defaults before its keys are read.
func (c *RADIUSClient) fillDefaults() {
	c.RequireMessageAuthenticator = true
	c.LimitProxyState = true
	c.Methods = []string{"pap"}
	c.Transport = "udp"
}

func (e *EAP) fillDefaults() {
	e.Certificate, e.Key, e.MinTLS = "cert.pem", "key.pem", "1.2"
	e.Resumption, e.Fragment = 8*time.Hour, 1000
}

func (t *TLS) fillDefaults() { t.Certificate, t.Key = "cert.pem", "key.pem" }

func (a *ServiceAccount) fillDefaults() {
	a.Read = []string{"ou=people", "ou=groups"}
	a.Attributes = []string{"*"}
}
