package schema

import (
	"strings"
)

// The values of the subschema entry's attributes (RFC 4512 §4.1), made once.
var (
	AttributeTypes = describeAll(attributes, describeAttribute)
	ObjectClasses  = describeAll(classes, describeClass)
	MatchingRules  = describeAll(rules, describeRule)
	LDAPSyntaxes   = describeSyntaxes()
)

func describeAll[T any](list []*T, describe func(*T) string) []string {
	all := make([]string, len(list))
	for i, item := range list {
		all[i] = describe(item)
	}
	return all
}

func describeSyntaxes() []string {
	all := make([]string, len(syntaxes))
	for i, s := range syntaxes {
		all[i] = "( " + string(s.oid) + " DESC '" + s.name + "' )"
	}
	return all
}

func describeRule(r *Rule) string {
	return "( " + r.OID + " NAME '" + r.Name + "' SYNTAX " + string(r.Syntax) + " )"
}

func describeAttribute(a *Attribute) string {
	var b strings.Builder
	b.WriteString("( " + a.OID + " NAME " + quoted(a.Names))
	if a.Sup != "" {
		b.WriteString(" SUP " + a.Sup)
	}
	for _, r := range []struct {
		word string
		rule *Rule
	}{{" EQUALITY ", a.Equality}, {" ORDERING ", a.Ordering}, {" SUBSTR ", a.Substr}} {
		if r.rule != nil {
			b.WriteString(r.word + r.rule.Name)
		}
	}
	b.WriteString(" SYNTAX " + string(a.Syntax))
	if a.Single {
		b.WriteString(" SINGLE-VALUE")
	}
	if a.ReadOnly && a.Usage != UserApplications {
		b.WriteString(" NO-USER-MODIFICATION")
	}
	switch a.Usage {
	case DirectoryOperation:
		b.WriteString(" USAGE directoryOperation")
	case DSAOperation:
		b.WriteString(" USAGE dSAOperation")
	}
	return b.String() + " )"
}

func describeClass(c *Class) string {
	var b strings.Builder
	b.WriteString("( " + c.OID + " NAME '" + c.Name + "'")
	if c.Sup != "" {
		b.WriteString(" SUP " + c.Sup)
	}
	b.WriteString(" " + string(c.Kind))
	if c.Must != "" {
		b.WriteString(" MUST " + oids(c.Must))
	}
	if c.May != "" {
		b.WriteString(" MAY " + oids(c.May))
	}
	return b.String() + " )"
}

// quoted writes qdescrs: one in quotes, several in parentheses as well.
func quoted(list []string) string {
	if len(list) == 1 {
		return "'" + list[0] + "'"
	}
	return "( '" + strings.Join(list, "' '") + "' )"
}

// oids writes oids: one bare, several in parentheses with dollars between.
func oids(list string) string {
	if !strings.Contains(list, " ") {
		return list
	}
	return "( " + strings.ReplaceAll(list, " ", " $ ") + " )"
}
