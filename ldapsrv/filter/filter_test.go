package filter

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"postern/ldapsrv/ber"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDecodeReadsEveryChoice(t *testing.T) {
	eq := func(attribute, value string) Filter {
		return Filter{Choice: Equal, Leaf: &Assertion{Attribute: []byte(attribute), Value: []byte(value)}}
	}
	second := eq("cn", "b")
	second.Leaf.Place = 1
	for _, c := range []struct {
		name, in string // the string form of RFC 4515, and its BER
		want     Filter
	}{
		{"(cn=a)", "a3 07 04 02 636e 04 01 61", eq("cn", "a")},
		{"(cn=*)", "87 02 636e", Filter{Choice: Present, Leaf: &Assertion{Attribute: []byte("cn")}}},
		{"(cn>=a)", "a5 07 04 02 636e 04 01 61", Filter{Choice: AtLeast, Leaf: eq("cn", "a").Leaf}},
		{"(cn<=a)", "a6 07 04 02 636e 04 01 61", Filter{Choice: AtMost, Leaf: eq("cn", "a").Leaf}},
		{"(cn~=a)", "a8 07 04 02 636e 04 01 61", Filter{Choice: Approx, Leaf: eq("cn", "a").Leaf}},
		{"(&)", "a0 00", Filter{Choice: And}},
		{"(|)", "a1 00", Filter{Choice: Or}},
		{"(&(cn=a)(!(cn=b)))", "a0 14 a3 07 04 02 636e 04 01 61 a2 09 a3 07 04 02 636e 04 01 62", Filter{
			Choice: And,
			Parts:  []Filter{eq("cn", "a"), {Choice: Not, Parts: []Filter{second}}},
		}},
		{"(cn=a*b*c)", "a4 0f 04 02 636e 30 09 80 01 61 81 01 62 82 01 63", Filter{Choice: Substrings, Leaf: &Assertion{
			Attribute: []byte("cn"), Initial: []byte("a"), Any: [][]byte{[]byte("b")}, Final: []byte("c"),
		}}},
		{"(cn:dn:2.4.6:=a)", "a9 11 81 05 322e342e36 82 02 636e 83 01 61 84 01 ff", Filter{
			Choice: Extensible, Leaf: &Assertion{Rule: []byte("2.4.6"), Attribute: []byte("cn"), Value: []byte("a"), DNAttributes: true},
		}},
		{"(:2.4.6:=a)", "a9 0a 81 05 322e342e36 83 01 61", Filter{
			Choice: Extensible, Leaf: &Assertion{Rule: []byte("2.4.6"), Value: []byte("a")},
		}},
		{"a choice of later times", "ab 00", Filter{Choice: 0xab}},
	} {
		got, err := Decode(fixLength(unhex(t, c.in)))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s became %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}

// fixLength sets the length octet of an element below 128 octets to what
// follows, so that the vectors can be read without counting.
func fixLength(b []byte) []byte {
	b[1] = byte(len(b) - 2)
	return b
}

func TestDecodeRefusesWhatIsNoFilter(t *testing.T) {
	for name, in := range map[string]string{
		"nothing":                     "",
		"an assertion without value":  "a3 04 04 02 636e",
		"an assertion of other types": "a3 07 02 02 636e 04 01 61",
		"not, of nothing":             "a2 00",
		"not, of two":                 "a2 08 87 02 636e 87 02 636e",
		"substrings without parts":    "a4 06 04 02 636e 30 00",
		"initial after any":           "a4 0c 04 02 636e 30 06 81 01 61 80 01 62",
		"any after final":             "a4 0c 04 02 636e 30 06 82 01 61 81 01 62",
		"two initials":                "a4 0c 04 02 636e 30 06 80 01 61 80 01 62",
		"an unknown part":             "a4 09 04 02 636e 30 03 83 01 61",
		"no rule and no type":         "a9 03 83 01 61",
		"an extensible without value": "a9 04 82 02 636e",
		"dnAttributes of two octets":  "a9 0b 82 02 636e 83 01 61 84 02 ffff",
		"more behind it":              "87 02 636e 87 02 636e",
		"a cut one":                   "a0 05 87 02 636e",
	} {
		if f, err := Decode(unhex(t, in)); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s became %+v, %v; want ErrSyntax", name, f, err)
		}
	}
}

func TestDecodeBoundsTheNodes(t *testing.T) {
	or := func(n int) []byte {
		parts := bytes.Repeat([]byte{0x87, 1, 'a'}, n)
		return append(ber.AppendHeader(nil, Or, len(parts)), parts...)
	}
	if _, err := Decode(or(MaxNodes - 1)); err != nil {
		t.Errorf("%d nodes: %v", MaxNodes, err)
	}
	if _, err := Decode(or(MaxNodes)); !errors.Is(err, ErrTooLong) {
		t.Errorf("%d nodes: %v, want ErrTooLong", MaxNodes+1, err)
	}
}

func TestEvalIsThreeValued(t *testing.T) {
	leaf := func(_ Choice, a *Assertion) Truth {
		return map[string]Truth{"t": True, "f": False, "u": Undefined}[string(a.Attribute)]
	}
	at := func(s string) Filter { return Filter{Choice: Present, Leaf: &Assertion{Attribute: []byte(s)}} }
	of := func(c Choice, names string) Filter {
		f := Filter{Choice: c}
		for _, n := range names {
			f.Parts = append(f.Parts, at(string(n)))
		}
		return f
	}
	for _, c := range []struct {
		choice Choice
		parts  string
		want   Truth
	}{
		{And, "", True}, {And, "tt", True}, {And, "tf", False}, {And, "tu", Undefined}, {And, "uf", False}, {And, "fu", False},
		{Or, "", False}, {Or, "ff", False}, {Or, "tf", True}, {Or, "fu", Undefined}, {Or, "ut", True}, {Or, "tu", True},
		{Not, "t", False}, {Not, "f", True}, {Not, "u", Undefined},
	} {
		if got := of(c.choice, c.parts).Eval(leaf); got != c.want {
			t.Errorf("%#x of %q is %d, want %d", c.choice, c.parts, got, c.want)
		}
	}
	if got := (Filter{Choice: 0xab}).Eval(leaf); got != Undefined {
		t.Errorf("an unknown choice is %d, want Undefined", got)
	}
}

// FuzzDecode shows that no bytes break decoding, that the bound on nodes holds,
// and that what was decoded can be evaluated.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"a3 07 04 02 636e 04 01 61", "87 02 636e", "a0 00", "a2 04 87 02 636e", "a4 0e 04 02 636e 30 09 80 01 61 81 01 62 82 01 63",
		"a9 11 81 05 322e342e36 82 02 636e 83 01 61 84 01 ff", "a0 80", "ab 00",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if ber.Check(b, 4*MaxNodes) != nil {
			return
		}
		filter, err := Decode(b)
		if err != nil {
			return
		}
		leaves := 0
		filter.Eval(func(c Choice, a *Assertion) Truth {
			if leaves++; a == nil {
				t.Errorf("%x: a leaf of choice %#x asserts nothing", b, c)
			}
			return Undefined
		})
		if leaves > MaxNodes {
			t.Errorf("%x has %d leaves", b, leaves)
		}
	})
}
