package schema

import (
	"encoding/hex"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"postern/ldapsrv/dn"
)

// Rule is a matching rule. Values and assertions compare by their normal
// forms: equal as bytes for equality rules, in byte order for ordering rules.
type Rule struct {
	OID    string
	Name   string
	Syntax Syntax
	form   form
	kind   ruleKind
}

type ruleKind uint8

const (
	equality ruleKind = iota
	ordering
	substrings
)

// form says how a rule normalises. It is a word and not a function because the
// tables refer to rules, and normalising an OID refers to the tables.
type form uint8

const (
	formOID form = iota
	formDN
	formFolded
	formExact
	formBoolean
	formInteger
	formOctets
	formTelephone
	formTime
	formFirstComponent
	formExactIA5
	formIA5
	formUUID
)

// Normal returns the form of value by which the rule compares, and false where
// value is none of its syntax: asserting it is worth Undefined.
func (r *Rule) Normal(value string) (string, bool) {
	switch r.form {
	case formOID:
		return normalOID(value)
	case formDN:
		return normalDN(value)
	case formFolded:
		return normalFolded(value)
	case formExact:
		return normalExact(value)
	case formBoolean:
		return normalBoolean(value)
	case formInteger:
		return normalInteger(value)
	case formOctets:
		return normalOctets(value)
	case formTelephone:
		return normalTelephone(value)
	case formTime:
		return normalTime(value)
	case formFirstComponent:
		return normalFirstComponent(value)
	case formExactIA5:
		return normalExactIA5(value)
	case formIA5:
		return normalIA5(value)
	case formUUID:
		return normalUUID(value)
	}
	return "", false
}

// The matching rules (RFC 4517 §4.2, RFC 4530 §2.2), by the names attribute
// types refer to them.
var (
	objectIdentifierMatch = &Rule{"2.5.13.0", "objectIdentifierMatch", SyntaxOID, formOID, equality}
	distinguishedName     = &Rule{"2.5.13.1", "distinguishedNameMatch", SyntaxDN, formDN, equality}
	caseIgnore            = &Rule{"2.5.13.2", "caseIgnoreMatch", SyntaxDirectoryString, formFolded, equality}
	caseIgnoreOrdering    = &Rule{"2.5.13.3", "caseIgnoreOrderingMatch", SyntaxDirectoryString, formFolded, ordering}
	caseIgnoreSubstrings  = &Rule{"2.5.13.4", "caseIgnoreSubstringsMatch", SyntaxDirectoryString, formFolded, substrings}
	caseExact             = &Rule{"2.5.13.5", "caseExactMatch", SyntaxDirectoryString, formExact, equality}
	caseExactSubstrings   = &Rule{"2.5.13.7", "caseExactSubstringsMatch", SyntaxDirectoryString, formExact, substrings}
	caseIgnoreList        = &Rule{"2.5.13.11", "caseIgnoreListMatch", SyntaxPostalAddress, formFolded, equality}
	caseIgnoreListSubstr  = &Rule{"2.5.13.12", "caseIgnoreListSubstringsMatch", SyntaxPostalAddress, formFolded, substrings}
	booleanMatch          = &Rule{"2.5.13.13", "booleanMatch", SyntaxBoolean, formBoolean, equality}
	integerMatch          = &Rule{"2.5.13.14", "integerMatch", SyntaxInteger, formInteger, equality}
	integerOrdering       = &Rule{"2.5.13.15", "integerOrderingMatch", SyntaxInteger, formInteger, ordering}
	octetString           = &Rule{"2.5.13.17", "octetStringMatch", SyntaxOctetString, formOctets, equality}
	octetStringOrdering   = &Rule{"2.5.13.18", "octetStringOrderingMatch", SyntaxOctetString, formOctets, ordering}
	telephoneNumber       = &Rule{"2.5.13.20", "telephoneNumberMatch", SyntaxTelephone, formTelephone, equality}
	telephoneSubstrings   = &Rule{"2.5.13.21", "telephoneNumberSubstringsMatch", SyntaxTelephone, formTelephone, substrings}
	generalizedTime       = &Rule{"2.5.13.27", "generalizedTimeMatch", SyntaxGeneralizedTime, formTime, equality}
	generalizedOrdering   = &Rule{"2.5.13.28", "generalizedTimeOrderingMatch", SyntaxGeneralizedTime, formTime, ordering}
	firstComponent        = &Rule{"2.5.13.30", "objectIdentifierFirstComponentMatch", SyntaxOID, formFirstComponent, equality}
	caseExactIA5          = &Rule{"1.3.6.1.4.1.1466.109.114.1", "caseExactIA5Match", SyntaxIA5, formExactIA5, equality}
	caseIgnoreIA5         = &Rule{"1.3.6.1.4.1.1466.109.114.2", "caseIgnoreIA5Match", SyntaxIA5, formIA5, equality}
	caseIgnoreIA5Substr   = &Rule{"1.3.6.1.4.1.1466.109.114.3", "caseIgnoreIA5SubstringsMatch", SyntaxIA5, formIA5, substrings}
	caseExactIA5Substr    = &Rule{"1.3.6.1.4.1.4203.1.2.1", "caseExactIA5SubstringsMatch", SyntaxIA5, formExactIA5, substrings}
	uuidMatch             = &Rule{"1.3.6.1.1.16.2", "UUIDMatch", SyntaxUUID, formUUID, equality}
	uuidOrdering          = &Rule{"1.3.6.1.1.16.3", "UUIDOrderingMatch", SyntaxUUID, formUUID, ordering}

	// Active Directory's, for the profile that speaks its language.
	bitAnd = &Rule{"1.2.840.113556.1.4.803", "bitAndMatch", SyntaxInteger, formInteger, equality}
	bitOr  = &Rule{"1.2.840.113556.1.4.804", "bitOrMatch", SyntaxInteger, formInteger, equality}
)

// OIDInChain is Active Directory's rule that follows groups to any depth. It
// needs the directory, so it is evaluated where the entries are.
const OIDInChain = "1.2.840.113556.1.4.1941"

var rules = []*Rule{
	objectIdentifierMatch, distinguishedName, caseIgnore, caseIgnoreOrdering, caseIgnoreSubstrings, caseExact,
	caseExactSubstrings, caseIgnoreList, caseIgnoreListSubstr, booleanMatch, integerMatch, integerOrdering, octetString,
	octetStringOrdering, telephoneNumber, telephoneSubstrings, generalizedTime, generalizedOrdering, firstComponent,
	caseExactIA5, caseExactIA5Substr, caseIgnoreIA5, caseIgnoreIA5Substr, uuidMatch, uuidOrdering, bitAnd, bitOr,
}

var rulesByName = indexRules()

func indexRules() map[string]*Rule {
	byName := make(map[string]*Rule, 2*len(rules))
	for _, r := range rules {
		byName[r.OID] = r
		byName[strings.ToLower(r.Name)] = r
	}
	return byName
}

// FindRule returns the rule of that name or OID, nil where there is none.
func FindRule(name string) *Rule { return rulesByName[strings.ToLower(name)] }

func normalFolded(v string) (string, bool) {
	if !utf8.ValidString(v) {
		return "", false
	}
	folded := dn.Fold(v)
	return folded, folded != "" || v != ""
}

func normalExact(v string) (string, bool) {
	return strings.Join(strings.FieldsFunc(v, isSpace), " "), utf8.ValidString(v) && v != ""
}

func isSpace(r rune) bool { return r == ' ' }

func normalIA5(v string) (string, bool) {
	if !isASCII(v) {
		return "", false
	}
	return dn.Fold(v), true
}

func normalExactIA5(v string) (string, bool) {
	if !isASCII(v) {
		return "", false
	}
	return strings.Join(strings.FieldsFunc(v, isSpace), " "), true
}

func isASCII(v string) bool {
	for i := range len(v) {
		if v[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func normalOctets(v string) (string, bool) { return v, true }

// normalTelephone drops spaces and hyphens (RFC 4517 §4.2.29).
func normalTelephone(v string) (string, bool) {
	folded, ok := normalFolded(v)
	return strings.NewReplacer(" ", "", "-", "").Replace(folded), ok
}

func normalBoolean(v string) (string, bool) {
	v = strings.ToUpper(v)
	return v, v == "TRUE" || v == "FALSE"
}

// normalInteger returns an integer so that byte order is number order: sign,
// length, digits; those of negatives complemented.
func normalInteger(v string) (string, bool) {
	n, ok := parseInteger(v)
	if !ok {
		return "", false
	}
	digits := []byte(new(big.Int).Abs(n).String())
	key := append([]byte{byte(len(digits) >> 8), byte(len(digits))}, digits...)
	if n.Sign() >= 0 {
		return "\x01" + string(key), true
	}
	for i := range key {
		key[i] = ^key[i]
	}
	return "\x00" + string(key), true
}

// parseInteger reads an INTEGER (RFC 4517 §3.3.16) of at most 40 digits.
func parseInteger(v string) (*big.Int, bool) {
	digits := strings.TrimPrefix(v, "-")
	if digits == "" || digits[0] == '0' && v != "0" || len(digits) > 40 || strings.Trim(digits, "0123456789") != "" {
		return nil, false
	}
	return new(big.Int).SetString(v, 10)
}

func normalDN(v string) (string, bool) {
	d, err := dn.Parse(v)
	if err != nil {
		return "", false
	}
	return d.Normal().String(), true
}

// normalOID takes descriptors and OIDs of what the schema knows as one.
func normalOID(v string) (string, bool) {
	v = strings.TrimSpace(v)
	if c := FindClass(v); c != nil {
		return c.OID, true
	}
	if a := Find(v); a != nil {
		return a.OID, true
	}
	return v, v != "" && '0' <= v[0] && v[0] <= '9' // a name that is not known names nothing (RFC 4517 §4.2.26)
}

// normalFirstComponent takes a whole description or only its OID or name.
func normalFirstComponent(v string) (string, bool) {
	if fields := strings.Fields(strings.TrimPrefix(v, "(")); len(fields) > 0 {
		return normalOID(strings.Trim(fields[0], "'"))
	}
	return "", false
}

func normalUUID(v string) (string, bool) {
	if len(v) != 36 || v[8] != '-' || v[13] != '-' || v[18] != '-' || v[23] != '-' {
		return "", false
	}
	plain := strings.ReplaceAll(v, "-", "")
	b, err := hex.DecodeString(plain)
	return string(b), err == nil && len(b) == 16
}

// normalTime reads a GeneralizedTime (RFC 4517 §3.3.13) and returns it in UTC
// with nanoseconds, so that byte order is time order.
func normalTime(v string) (string, bool) {
	t, ok := ParseTime(v)
	return t.Format("20060102150405.000000000"), ok
}

var timeLayouts = []string{
	"20060102150405Z", "20060102150405.999999999Z", "20060102150405Z0700", "20060102150405.999999999Z0700",
	"20060102150405Z07", "200601021504Z", "200601021504Z0700", "2006010215Z", "2006010215Z0700",
}

// FormatTime writes t as a GeneralizedTime.
func FormatTime(t time.Time) string { return t.UTC().Format("20060102150405Z") }

// OrderOf is the rule that values of a are sorted by: the one of its type, or
// for text that of text. nil: there is none.
func OrderOf(a *Attribute) *Rule {
	if a.Ordering == nil && compatible(caseIgnoreOrdering, a) {
		return caseIgnoreOrdering
	}
	return a.Ordering
}

// ParseTime reads a GeneralizedTime.
func ParseTime(v string) (time.Time, bool) {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, strings.Replace(v, ",", ".", 1)); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
