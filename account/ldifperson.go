package account

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"postern/account/ldif"
	"postern/policy"
	"postern/secret"
)

// Attributes of an export that LDAP has no standard for.
const (
	attrMFA      = "posternMFA"      // on
	attrDisabled = "posternDisabled" // TRUE
	attrExpires  = "posternExpires"  // GeneralizedTime
)

const generalizedTime = "20060102150405Z"

// Extras are the attributes of an account in an export that its entry does not
// show: what would be lost, and must not be, where the export is imported. None
// is a secret.
func Extras(h policy.Holder) (list []ldif.Attribute) {
	if h.MFADemanded {
		list = append(list, ldif.Attribute{Name: attrMFA, Value: "on"})
	}
	if h.Account.Disabled {
		list = append(list, ldif.Attribute{Name: attrDisabled, Value: "TRUE"})
	}
	if end := h.Account.ExpiresAt; !end.IsZero() {
		list = append(list, ldif.Attribute{Name: attrExpires, Value: end.UTC().Format(generalizedTime)})
	}
	return list
}

// ownPlace are attributes, in lower case, that become something else than an
// extra attribute, or that Postern makes by itself. The operational ones of
// other directories are matched by their beginnings.
var (
	ownPlace = []string{
		"objectclass", "dn", "uid", "samaccountname", "cn", "name", "mail", "userpassword", "uidnumber", "entryuuid", "entrydn", "memberof",
		"structuralobjectclass", "subschemasubentry", "creatorsname", "modifiersname", "createtimestamp", "modifytimestamp",
		"entrycsn", "contextcsn", "hassubordinates", "numsubordinates", "nsuniqueid", "parentid", "entryid", "nsaccountlock",
		"useraccountcontrol", "shadowexpire", "distinguishedname", "objectguid", "objectsid", "objectcategory", "instancetype",
		"whencreated", "whenchanged", "usnchanged", "usncreated", "dscorepropagationdata",
		strings.ToLower(attrMFA), strings.ToLower(attrDisabled), strings.ToLower(attrExpires),
	}
	operational = []string{"pwd", "password", "lastlogon", "badpassword", "badpwd", "authtimestamp", "krblast"}
)

// person is what an entry says of an account.
func (l *ldifPlanner) person(rec *ldif.Record, login string) *row {
	r := &row{
		line: rec.Line, record: rec.DN, login: login, name: first(rec, "cn", "displayName", "name"), mail: first(rec, "mail"),
		id: uuid(first(rec, "entryUUID")), mfa: strings.ToLower(first(rec, attrMFA)), disabled: locked(rec),
	}
	if r.name == login {
		r.name = "" // the entry of somebody without a name shows the login
	}
	r.expires, r.problem = ending(rec)
	if number := first(rec, "uidNumber"); number != "" {
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n < 100 || n > 1<<31-1 {
			r.problem = refuse(BadAttribute, "uidNumber must be a number from 100 up, not %q", number)
		}
		r.uidNumber = n
	}
	l.readPassword(rec, r)
	l.readExtras(rec, r)
	return r
}

func (l *ldifPlanner) readPassword(rec *ldif.Record, r *row) {
	values := rec.Values("userPassword")
	if len(values) == 0 {
		return
	}
	if l.how.WithoutPasswords {
		l.leave("userPassword", "passwords were to be left out", r.line)
		return
	}
	if len(values) > 1 {
		r.problem = refuse(BadHash, "it has %d values of userPassword; keep the one that is in use", len(values))
		return
	}
	f, err := secret.ReadForeign(secret.NewText(values[0]))
	if err != nil {
		r.problem = refuse(BadHash, "userPassword cannot be taken over: %v", err)
	}
	r.password, r.hasPassword = f, true
}

// locked reports whether the directory that the entry is from refuses it: an
// account that was closed is not opened by moving it.
func locked(rec *ldif.Record) bool {
	control, _ := strconv.Atoi(first(rec, "userAccountControl"))
	return strings.EqualFold(first(rec, attrDisabled, "nsAccountLock", "loginDisabled"), "true") ||
		strings.HasPrefix(first(rec, "pwdAccountLockedTime"), "000001010000") || control&2 != 0
}

// ending is when the account ends: shadowExpire counts days, and -1 is never.
func ending(rec *ldif.Record) (time.Time, *Refusal) {
	if at := first(rec, attrExpires); at != "" {
		t, err := time.Parse(generalizedTime, at)
		if err != nil {
			return time.Time{}, refuse(BadExpiry, "%s must be a time such as 20300131120000Z, not %q", attrExpires, at)
		}
		return t, nil
	}
	if days, err := strconv.Atoi(first(rec, "shadowExpire")); err == nil && days > 0 {
		return time.Unix(0, 0).UTC().AddDate(0, 0, days), nil
	}
	return time.Time{}, nil
}

// readExtras takes over every other attribute, and notes those that have no
// place here.
func (l *ldifPlanner) readExtras(rec *ldif.Record, r *row) {
	spelled, shown := map[string]string{}, l.how.Shown(r.login, r.name)
	for _, a := range rec.Attributes {
		key := strings.ToLower(a.Name)
		if slices.Contains(ownPlace, key) || slices.ContainsFunc(operational, func(p string) bool { return strings.HasPrefix(key, p) }) {
			l.noteFurther(key, a, r)
			continue
		}
		if v, ok := shown[key]; ok && v == a.Value {
			continue
		}
		if !utf8.ValidString(a.Value) {
			l.leave("attribute "+a.Name, "its value is not text", a.Line)
			continue
		}
		if bad := checkAttribute(a.Name, []string{a.Value}); bad != nil {
			l.leave("attribute "+a.Name, "it has no place here", a.Line)
			continue
		}
		if spelled[key] == "" {
			spelled[key] = a.Name
		}
		if r.attributes == nil {
			r.attributes = map[string][]string{}
		}
		r.attributes[spelled[key]] = append(r.attributes[spelled[key]], a.Value)
	}
}

// noteFurther notes a value of which an account holds one only.
func (l *ldifPlanner) noteFurther(key string, a ldif.Attribute, r *row) {
	taken, ok := map[string]string{"uid": r.login, "cn": cmp.Or(r.name, r.login), "mail": r.mail}[key]
	if ok && strings.TrimSpace(a.Value) != taken {
		l.leave(fmt.Sprintf("second %s", a.Name), "an account has one", a.Line)
	}
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// uuid is the canonical form of a UUID; "" where it is none.
func uuid(s string) string {
	if s = strings.ToLower(s); uuidForm.MatchString(s) {
		return s
	}
	return ""
}
