package directory

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

func TestLoginsThatAreTheSame(t *testing.T) {
	for _, c := range []struct{ typed, want string }{
		{"ann", "ann"},
		{"Ann", "ann"},
		{"ANN@Example.ORG", "ann@example.org"},
		{"o'neil+x_1.2-3", "o'neil+x_1.2-3"},
		{"José", "josé"},
		{"Jose\u0301", "josé"}, // an accent of its own
		{"ＡＮＮ", "ann"},         // full width
		{"ΣΊΣΥΦΟΣ", "σίσυφοσ"}, // a final sigma is folded like any other
		{"Straße", "straße"},   // lower case keeps it: it is not ss
		{"ПЁТР", "пётр"},       //
		{"עמית", "עמית"},       // written from right to left
		{"ann\u212a", "annk"},  // the sign for kelvin
		{"\u1e9eann", "ßann"},  // capital sharp s
		{"日本語", "日本語"},         //
		{strings.Repeat("a", MaxLogin), strings.Repeat("a", MaxLogin)},
	} {
		if got, err := NormalizeLogin(c.typed); err != nil || got != c.want {
			t.Errorf("%+q: %+q, %v; want %+q", c.typed, got, err, c.want)
		}
	}
}

func TestWhatIsNoLogin(t *testing.T) {
	for _, typed := range []string{
		"", " ", "ann smith", " ann", "ann\n", "ann\x00", "ann\x7f", "ann\t",
		"ann\u200b",       // a space without width
		"ann\u00a0smith",  // a space that does not break
		"\xff", "ann\xc3", // not UTF-8
		"\u202eann", // turns the direction of writing
		"aעb",       // mixes directions: RFC 5893
		"a\u2665",   // a symbol
		strings.Repeat("a", MaxLogin+1),
		strings.Repeat("é", MaxLogin/2+1),
		strings.Repeat("\u212a", 4*MaxLogin),
	} {
		if got, err := NormalizeLogin(typed); err == nil {
			t.Errorf("%+q is a login: %+q", typed, got)
		} else if strings.TrimSpace(typed) != "" && strings.Contains(err.Error(), typed) {
			t.Errorf("%+q: the error repeats what was typed, which may be a password", typed)
		}
	}
}

// FuzzNormalizeLogin holds what everything that compares logins relies on: the
// short way agrees with PRECIS, a normalised login stays as it is, and nothing
// of it can end a line or a log entry.
func FuzzNormalizeLogin(f *testing.F) {
	for _, s := range []string{"ann", "Ann@example.org", "José", "a b", "ΣΊΣΥΦΟΣ", "\xff", "ann\u200b", "ﬁ", "İ", "ŉ", "ǰ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		got, err := NormalizeLogin(typed)
		if want, precisErr := precis.UsernameCaseMapped.String(typed); precisErr == nil && err == nil && got != want {
			t.Fatalf("%+q: %+q, PRECIS says %+q", typed, got, want)
		} else if precisErr != nil && err == nil {
			t.Fatalf("%+q: %+q, PRECIS refuses it: %v", typed, got, precisErr)
		}
		if err != nil {
			if got != "" {
				t.Fatalf("%+q is refused and yet %+q", typed, got)
			}
			return
		}
		if got == "" || len(got) > MaxLogin || !utf8.ValidString(got) || strings.ContainsAny(got, " \n\r\t\x00") {
			t.Fatalf("%+q: %+q is no login", typed, got)
		}
		if again, err := NormalizeLogin(got); err != nil || again != got {
			t.Fatalf("%+q: %+q, and that again is %+q, %v", typed, got, again, err)
		}
	})
}

func TestWhoAPresentedNameMayBe(t *testing.T) {
	const domain = "Example.org"
	for _, c := range []struct {
		typed  string
		naming Naming
		domain string
		want   Name
	}{
		{"Ann", AnyName, domain, Name{Login: "ann"}},
		{"ann@example.org", AnyName, domain, Name{Login: "ann@example.org", Mail: "ann@example.org", Local: "ann"}},
		{"ann@elsewhere.net", AnyName, domain, Name{Login: "ann@elsewhere.net", Mail: "ann@elsewhere.net"}},
		{"a@b@example.org", AnyName, domain, Name{Login: "a@b@example.org", Mail: "a@b@example.org", Local: "a@b"}},
		{"ann@example.org", AnyName, "", Name{Login: "ann@example.org", Mail: "ann@example.org"}},
		{"ann@", AnyName, "", Name{Login: "ann@", Mail: "ann@"}},
		{"Ann@example.org", LoginOnly, domain, Name{Login: "ann@example.org"}},
		{"MailServer", ServiceAccountOnly, domain, Name{Kind: ServiceAccount, Login: "mailserver"}},
		{`EXAMPLE\Ann`, AnyName, domain, Name{Login: "ann"}},
		{`example.org\Ann`, AnyName, domain, Name{Login: "ann"}},
		{`ELSEWHERE\ann`, AnyName, domain, Name{Login: `elsewhere\ann`}},
		{`\ann`, AnyName, domain, Name{Login: `\ann`}},
		{`\ann`, AnyName, "", Name{Login: `\ann`}},
		{`EXAMPLE\`, AnyName, domain, Name{}},
		{`EXAMPLE\ann`, LoginOnly, domain, Name{Login: `example\ann`}},
		{"", AnyName, domain, Name{}},
		{"ann smith", ServiceAccountOnly, domain, Name{}},
	} {
		got := ParseName(c.typed, c.naming, c.domain)
		if got != c.want {
			t.Errorf("%q: %+v, want %+v", c.typed, got, c.want)
		}
		if got.Valid() != (c.want.Login != "") || got.Simple() != (c.want.Mail == "" && c.want.Local == "") {
			t.Errorf("%q: valid %v, simple %v", c.typed, got.Valid(), got.Simple())
		}
	}
}

func TestTextsThatCompareEqual(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"  Ann   Example ", "ann example"},
		{"ANN", "ann"},
		{"Straße", "strasse"},
		{"Jose\u0301", "josé"},
		{"\u00a0Ann\u2003Example", "ann example"},
		{"ﬁle", "file"},
		{"Ann\tExample", "ann example"},
		{"\u13e7\u13f0", "\uabb7\u13f8"},
		{"\uabb7\u13f8", "\uabb7\u13f8"},
	} {
		if got := FoldText(c.in); got != c.want {
			t.Errorf("%+q: %+q, want %+q", c.in, got, c.want)
		}
	}
}

// FuzzFoldText holds that folding folds all there is to fold.
func FuzzFoldText(f *testing.F) {
	for _, s := range []string{"Ann Example", "Straße", " \t", "ﬁ", "\u0345", "\u1fb3\u0301", "Ϋ́"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := FoldText(s)
		if twice := FoldText(once); twice != once {
			t.Fatalf("%+q: %+q, and that again is %+q", s, once, twice)
		}
	})
}

// TestEveryLetterIsFoldedOnce: a form that could be folded further would make
// two spellings of one name differ by the way they came.
func TestEveryLetterIsFoldedOnce(t *testing.T) {
	for r := rune(0x80); r <= 0x2ffff; r++ {
		s := string(r)
		if once := FoldText(s); FoldText(once) != once {
			t.Errorf("%+q: %+q, and that again is %+q", s, once, FoldText(once))
		}
		once, err := NormalizeLogin(s)
		if err != nil {
			continue
		}
		if twice, err := NormalizeLogin(once); err != nil || twice != once {
			t.Errorf("%+q: %+q, and that again is %+q, %v", s, once, twice, err)
		}
	}
}

// BenchmarkNormalizeLogin: most logins are as they are compared.
func BenchmarkNormalizeLogin(b *testing.B) {
	for name, login := range map[string]string{"normal": "user0012345", "capital": "User0012345"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := NormalizeLogin(login); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
