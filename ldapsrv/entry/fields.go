package entry

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"time"

	"postern/directory"
	"postern/ldapsrv/dn"
	"postern/ldapsrv/schema"
)

// constant is a field with the same values in all entries.
func constant(name string, values ...string) field {
	return field{attr: attribute(name), values: func(dst []string, _ *Entry) []string { return append(dst, values...) }}
}

// text is a field with one value, or none where it is empty.
func text(name string, value func(e *Entry) string) field {
	return field{attr: attribute(name), values: func(dst []string, e *Entry) []string {
		if v := value(e); v != "" {
			return append(dst, v)
		}
		return dst
	}}
}

func moment(name string, value func(e *Entry) time.Time) field {
	return text(name, func(e *Entry) string {
		if t := value(e); !t.IsZero() {
			return schema.FormatTime(t)
		}
		return ""
	})
}

// personal is a field that an extra attribute of the account can say otherwise.
func personal(name string, value func(e *Entry) string) field {
	return field{attr: attribute(name), needs: directory.WithAttributes, values: func(dst []string, e *Entry) []string {
		return e.extra(dst, name, value(e))
	}}
}

// primaryGroup is the gidNumber of people that no extra attribute gives
// another: the group "users", which is on every system and bestows nothing. A
// group of Postern would make everybody a member of it.
const primaryGroup = "100"

func login(e *Entry) string { return e.Account.Login }

func fullName(e *Entry) string {
	if e.Account.Name != "" {
		return e.Account.Name
	}
	return e.Account.Login
}

// surname is the last word of the name.
func surname(e *Entry) string {
	words := strings.Fields(fullName(e))
	return words[len(words)-1]
}

func accountID(e *Entry) string { return e.Account.ID }
func groupID(e *Entry) string   { return e.Group.ID }
func groupName(e *Entry) string { return e.Group.Name }

func ownDN(e *Entry) string { return e.DN() }

// memberOf lists the groups that the account or group is in.
var memberOf = field{attr: attribute("memberOf"), needs: directory.WithMemberOf, values: func(dst []string, e *Entry) []string {
	for _, name := range e.memberOf() {
		dst = append(dst, e.View.DN(Group, name))
	}
	return dst
}}

func (e *Entry) memberOf() []string {
	if e.Account != nil {
		return e.Account.MemberOf
	}
	return e.Group.MemberOf
}

func membersAs(name string) field {
	return field{attr: attribute(name), needs: directory.WithMembers, values: func(dst []string, e *Entry) []string {
		for _, m := range e.Group.Members {
			if e.Only.sees(m) {
				dst = append(dst, e.View.member(m))
			}
		}
		return dst
	}}
}

var memberUID = field{attr: attribute("memberUid"), needs: directory.WithMembers, values: func(dst []string, e *Entry) []string {
	for _, m := range e.Group.Members {
		if !m.Group && m.Kind == directory.Person && e.Only.sees(m) {
			dst = append(dst, m.Name)
		}
	}
	return dst
}}

// sees reports whether a member may be shown to the reader.
func (r *Reader) sees(m directory.Member) bool {
	if r == nil || !m.Group && m.ID == r.Account {
		return true
	}
	key, err := directory.NormalizeLogin(m.Name)
	_, own := r.Groups[key]
	return m.Group && err == nil && own
}

// operational are the fields that every entry has.
func operational(structural string, id func(*Entry) string) []field {
	return []field{
		constant("structuralObjectClass", structural),
		text("entryUUID", id),
		text("entryDN", ownDN),
		constant("subschemaSubentry", SubschemaDN),
	}
}

// leafFields are those of entries that have none below them.
func leafFields(created, modified func(*Entry) time.Time) []field {
	return []field{
		moment("createTimestamp", created),
		moment("modifyTimestamp", modified),
		constant("hasSubordinates", "FALSE"),
		constant("numSubordinates", "0"),
	}
}

func personFields(more ...string) []field {
	fields := []field{
		constant("objectClass", append([]string{"top", "person", "organizationalPerson", "inetOrgPerson", "posixAccount"}, more...)...),
		text("uid", login),
		text("cn", fullName),
		personal("sn", surname),
		text("mail", func(e *Entry) string { return e.Account.Mail }),
		text("uidNumber", func(e *Entry) string { return strconv.FormatInt(e.Account.UIDNumber, 10) }),
		personal("gidNumber", func(*Entry) string { return primaryGroup }),
		personal("homeDirectory", func(e *Entry) string { return "/home/" + e.Account.Login }),
		personal("loginShell", func(*Entry) string { return "/bin/sh" }),
		memberOf,
		moment("pwdChangedTime", func(e *Entry) time.Time { return e.Account.PasswordChangedAt }),
	}
	fields = append(fields, operational("inetOrgPerson", accountID)...)
	return append(fields, leafFields(accountCreated, accountModified)...)
}

func accountCreated(e *Entry) time.Time  { return e.Account.CreatedAt }
func accountModified(e *Entry) time.Time { return e.Account.ModifiedAt }
func groupCreated(e *Entry) time.Time    { return e.Group.CreatedAt }
func groupModified(e *Entry) time.Time   { return e.Group.ModifiedAt }

func groupFields(more ...string) []field {
	fields := []field{
		constant("objectClass", append([]string{"top", "groupOfNames", "groupOfUniqueNames", "posixGroup"}, more...)...),
		text("cn", groupName),
		text("description", func(e *Entry) string { return e.Group.Description }),
		text("gidNumber", func(e *Entry) string { return strconv.FormatInt(e.Group.GIDNumber, 10) }),
		membersAs("member"),
		membersAs("uniqueMember"),
		memberUID,
		memberOf,
	}
	fields = append(fields, operational("groupOfNames", groupID)...)
	return append(fields, leafFields(groupCreated, groupModified)...)
}

func serviceFields() []field {
	fields := []field{
		constant("objectClass", "top", "applicationProcess"),
		text("cn", login),
		text("description", func(e *Entry) string { return e.Account.Name }),
		memberOf,
	}
	fields = append(fields, operational("applicationProcess", accountID)...)
	return append(fields, leafFields(accountCreated, accountModified)...)
}

// containerFields are those of entries that have others below them.
func containerFields(structural string, own ...field) []field {
	own = append(own, operational(structural, func(e *Entry) string { return derivedUUID(e.DN()) })...)
	return append(own,
		moment("createTimestamp", containerMade),
		moment("modifyTimestamp", containerMade),
		below("hasSubordinates", func(e *Entry) string {
			if e.Below == 0 {
				return "FALSE"
			}
			return "TRUE"
		}),
		below("numSubordinates", func(e *Entry) string {
			if e.Below < 0 {
				return ""
			}
			return strconv.Itoa(e.Below)
		}))
}

func containerMade(e *Entry) time.Time { return e.View.made }

// below is a field that the count of what stands below is needed for.
func below(name string, value func(e *Entry) string) field {
	f := text(name, value)
	f.needs = directory.WithBelow
	return f
}

// derivedUUID is a UUID (version 8, RFC 9562 §5.8) for what has none of its
// own: always the same for the same name.
func derivedUUID(name string) string {
	b := sha256.Sum256([]byte("postern/entry-uuid:" + strings.ToLower(name)))
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

func unitFields(name string) []field {
	return containerFields("organizationalUnit", constant("objectClass", "top", "organizationalUnit"), constant("ou", name))
}

// baseFields make the base what its first RDN says: an organization with a
// domain component, a unit, or an organization.
func baseFields() []field {
	rdn := func(e *Entry) dn.AVA { return firstRDN(e.View.base) }
	is := func(kind string) func(*Entry) string {
		return func(e *Entry) string {
			if a := rdn(e); a.Type == kind {
				return a.Value
			}
			return ""
		}
	}
	classes := field{attr: attribute("objectClass"), values: func(dst []string, e *Entry) []string {
		switch rdn(e).Type {
		case "dc":
			return append(dst, "top", "dcObject", "organization")
		case "ou":
			return append(dst, "top", "organizationalUnit")
		}
		return append(dst, "top", "organization")
	}}
	return containerFields("organization", classes, text("dc", is("dc")), text("ou", is("ou")), text("o", func(e *Entry) string {
		switch a := rdn(e); a.Type {
		case "o":
			return a.Value
		case "ou":
			return ""
		}
		return e.View.domainOrBase()
	}))
}

func firstRDN(name string) dn.AVA {
	d, err := dn.Parse(name)
	if err != nil || len(d) == 0 {
		return dn.AVA{}
	}
	return d[0]
}

func (t *Tree) domainOrBase() string {
	if t.domain != "" {
		return t.domain
	}
	return t.base
}

func applicationFields() []field {
	return containerFields("applicationProcess", constant("objectClass", "top", "applicationProcess"),
		text("cn", func(e *Entry) string { return firstRDN(e.View.suffix).Value }))
}

func shapes(person, group []field) [Service + 1]*shape {
	return [Service + 1]*shape{
		None: newShape(),
		Base: newShape(baseFields()...), Application: newShape(applicationFields()...),
		People: newShape(unitFields("people")...), Groups: newShape(unitFields("groups")...), System: newShape(unitFields("system")...),
		Person: newShape(person...), Group: newShape(group...), Service: newShape(serviceFields()...),
	}
}

var (
	rfcShapes = shapes(personFields(), groupFields())
	adShapes  = shapes(adPerson(), adGroup())
)

// SubschemaDN is the name of the subschema subentry.
const SubschemaDN = "cn=Subschema"
