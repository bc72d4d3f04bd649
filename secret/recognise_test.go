package secret

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// Two app passwords by hand, with their check letters.
var (
	standardExample = withCheck("fishandbookoverlongfield")
	compactExample  = withCheck("lookoverthehill")
)

func withCheck(drawn string) string { return drawn + string(checkLetter([]byte(drawn))) }

func TestRecogniseAcceptsWhatPeopleType(t *testing.T) {
	s, c := standardExample, compactExample
	join := func(separator string) string { return strings.Join(Group(NewText(s)), separator) }
	for name, typed := range map[string]string{
		"canonical":              s,
		"capitals":               strings.ToUpper(s),
		"a phone's first letter": strings.ToUpper(s[:1]) + s[1:],
		"groups":                 join(" "),
		"dashes":                 join("-"),
		"dots":                   join("."),
		"underscores":            join("_"),
		"en dashes":              join("–"),
		"em dashes with spaces":  join(" — "),
		"non-breaking hyphens":   join("\u2011"),
		"minus signs":            join("−"),
		"full-width hyphens":     join("\uff0d"),
		"soft hyphens":           join("\u00ad"),
		"non-breaking spaces":    join("\u00a0"),
		"narrow spaces":          join("\u202f"),
		"ideographic spaces":     join("\u3000"),
		"zero-width spaces":      join("\u200b"),
		"zero-width joiners":     join("\u200d"),
		"word joiners":           join("\u2060"),
		"a byte order mark":      "\ufeff" + s,
		"direction marks":        "\u200e" + s + "\u200f",
		"isolates":               "\u2066" + s + "\u2069",
		"middle dots":            join("·"),
		"an ellipsis":            join("…"),
		"tabs and a newline":     join("\t") + "\r\n",
		"line separators":        join("\u2028"),
		"digits for letters":     strings.NewReplacer("o", "0", "l", "1").Replace(s),
		"full width":             fullWidth(s),
		"full-width capitals":    fullWidth(strings.ToUpper(s)),
		"superscript digits":     strings.NewReplacer("o", "⁰", "l", "¹").Replace(s),
		"mathematical letters":   strings.ReplaceAll(s, "e", "\U0001d41e"),
		"every letter apart":     strings.Join(strings.Split(s, ""), " - "),
		"a Kelvin sign":          strings.ReplaceAll(s, "k", "\u212a"),
		"a ligature":             strings.ReplaceAll(s, "fi", "\ufb01"),
	} {
		got, f, ok := Recognise(NewText(typed))
		if !ok || f != Standard || got.Reveal() != s {
			t.Errorf("%s: %q: %v, %v, same %v", name, typed, ok, f, got.Reveal() == s)
		}
	}
	for _, typed := range []string{c, strings.ToUpper(c), strings.Join(Group(NewText(c)), "-"), " " + c + " "} {
		got, f, ok := Recognise(NewText(typed))
		if !ok || f != Compact || got.Reveal() != c {
			t.Errorf("compact %q: %v, %v, same %v", typed, ok, f, got.Reveal() == c)
		}
	}
}

// fullWidth writes s in the forms of U+FF00, as East Asian keyboards do.
func fullWidth(s string) string {
	return strings.Map(func(r rune) rune { return r + 0xfee0 }, s)
}

func TestRecogniseRefusesWhatIsNone(t *testing.T) {
	s := standardExample
	for name, typed := range map[string]string{
		"empty":                  "",
		"a space":                " ",
		"one letter less":        s[1:],
		"one letter more":        s + "a",
		"a digit that is none":   "2" + s[1:],
		"an accent":              "é" + s[1:],
		"a combining accent":     s[:5] + "\u0301" + s[5:],
		"a Cyrillic letter":      "\u0430" + s[1:],
		"a slash":                s[:5] + "/" + s[5:],
		"a NUL":                  s + "\x00",
		"broken UTF-8":           s[:5] + "\xff" + s[5:],
		"the replacement":        s[:5] + string(utf8.RuneError) + s[5:],
		"a sentence":             "correct horse battery staple",
		"24 letters":             s[:24],
		"17 letters":             compactExample + "a",
		"separators, no end":     s + strings.Repeat(" ", maxTyped),
		"expanding compositions": strings.Repeat("\ufdfa", maxTyped/3),
		"a megabyte":             strings.Repeat("a", 1<<20),
	} {
		if got, _, ok := Recognise(NewText(typed)); ok || !got.Empty() {
			t.Errorf("%s: recognised", name)
		}
	}
	if _, _, ok := Recognise(Text{}); ok {
		t.Error("the zero Text: recognised")
	}
}

// FuzzRecognise shows that whatever is recognised is what the shape says, and
// that spelling never changes the answer.
func FuzzRecognise(f *testing.F) {
	f.Add(standardExample)
	f.Add(compactExample)
	f.Add(strings.ToUpper(standardExample))
	f.Add(strings.Join(Group(NewText(standardExample)), " — "))
	f.Add(fullWidth(compactExample))
	f.Fuzz(func(t *testing.T, typed string) {
		got, format, ok := Recognise(NewText(typed))
		if !ok {
			if !got.Empty() {
				t.Fatal("refused, with a result")
			}
			return
		}
		canonical := got.Reveal()
		if len(canonical) != format.length() || strings.Trim(canonical, letters) != "" || weightedSum(canonical) != 0 {
			t.Fatalf("%q is recognised as %q, %v", typed, canonical, format)
		}
		for _, spelling := range []string{canonical, strings.ToUpper(canonical), strings.Join(Group(got), "-"), "\u200b" + canonical + " "} {
			if again, f2, ok := Recognise(NewText(spelling)); !ok || f2 != format || again.Reveal() != canonical {
				t.Fatalf("%q, recognised as %q, is not as %q", typed, canonical, spelling)
			}
		}
		wrong := []byte(canonical)
		wrong[len(typed)%len(wrong)] = 'a' + (wrong[len(typed)%len(wrong)]-'a'+1+byte(len(typed)%25))%26
		if HasAppPasswordShape(NewText(string(wrong))) {
			t.Fatalf("%q is recognised with a wrong letter: %q", canonical, wrong)
		}
	})
}

func TestRecognisingACanonicalPasswordAllocatesNothing(t *testing.T) {
	typed := NewText(standardExample)
	if n := testing.AllocsPerRun(100, func() { Recognise(typed) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRecognise(b *testing.B) {
	for name, typed := range map[string]string{
		"canonical": standardExample,
		"grouped":   strings.Join(Group(NewText(standardExample)), " "),
		"unicode":   strings.Join(Group(NewText(standardExample)), "\u00a0"),
		"other":     "correct horse battery staple",
		"other25":   "correcthorsebatterystaplee",
		"long":      strings.Repeat("ü", 8192),
	} {
		text := NewText(typed)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Recognise(text)
			}
		})
	}
}
