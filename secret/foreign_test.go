package secret

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
)

// theirs are hashes of foreignPassword as other programs made them: mkpasswd,
// slappasswd, doveadm pw, and Python's hashlib.
const foreignPassword = "Grüße 7 Tage"

var theirs = map[string]struct {
	value string
	slow  bool // kept as it is
}{
	"SSHA":           {"{SSHA}vPQwEIcrzworgDdF+ah14ZMHiX8rOMNR", false},
	"lower case":     {"{ssha}vPQwEIcrzworgDdF+ah14ZMHiX8rOMNR", false},
	"SHA":            {"{SHA}7jpvJrMRs/3DDNSPAW7QgHphQ/U=", false},
	"SMD5":           {"{SMD5}WGtpaMpjhdZkFqVXQR50V7rPGmA=", false},
	"MD5":            {"{MD5}GCxO0YVbSQXBBfknQWPHIw==", false},
	"SSHA256":        {"{SSHA256}TPXTTGB5vdJZ+dkg4ITi94ld6jj3bpjs/uxtWnQ6VZW6tGHn", false},
	"SHA256":         {"{SHA256}BdjA3aBYwEHGetK7++x02zjRU0ZYL070+OxGRAgoidk=", false},
	"SSHA384":        {"{SSHA384}0RKhYWUsuSVrX75sNDIdocqMtfvn0379/QZ//xTEROdy1QbxDZ6d9kwbH/QN32EdjkqzjKZ/t2g=", false},
	"SSHA512":        {"{SSHA512}RHJ5Tfy/vLbgzn4NwST1yWXMfxH8Q8kdeEGdIOrkZ3m8cGtstKUMrnl8hTH5Xq1es2mpkeXww8GdKwR+Xjw58kWpFuU=", false},
	"SHA512":         {"{SHA512}Rw3VtKbyNmDVNO6mfnEt2UIZuDOGGGxaCDh0hJFf7k2vJvw/dMUd06vCjJymmp/NcvTlg49aZAIJ9OICoBUfXg==", false},
	"MD5 crypt":      {"{CRYPT}$1$ZJz06Ag.$bJIkoWOptHgXMGyt4CFnT.", false},
	"SHA-256 crypt":  {"{CRYPT}$5$brglWEMopPbOhgZP$0Z5XSUfGZVneXi2AZw3Ac4JppsMiE/sfDPYcvRwXFo2", true},
	"few rounds":     {"{CRYPT}$5$rounds=1000$QSZyP6BPdMSYNhaK$BVdkMYras8oy8vkLmWp5A2JoaPKBG4qU/U9aE6eEZRD", false},
	"SHA-512 crypt":  {"{crypt}$6$s8pQFjXDA0T.gZC7$facwP9Od15ZN0SxLkD7mSMySLREWVhUjALM2RC5vJlkuKW9UizrgHPbYIKyLQ9Stwz9W40u0WCgH3c1UCiaQ9.", true},
	"its rounds":     {"$6$rounds=10000$rJEP4LZrNnVjJyQw$4hyq7p2uYOSvYinXjFIJqwYX4OIB8fPl/4/uicNYCiwmBADM3fCOmCLXSqiFLDp0g06J0yVpm24GFnkO.D2fS/", true},
	"bcrypt":         {"{CRYPT}$2b$05$hXksr/g1NOrUIkSpOU5jHeaepMMrcK0u3s2FkbXqBJS/Y34vvBIxa", false},
	"old bcrypt":     {"{CRYPT}$2a$05$JOR1Yk9mu6qUSa.FQB5FauQKUcpz/PPXCtCfvdrKnXE1ZbPTCt5fO", false},
	"Dovecot bcrypt": {"{BLF-CRYPT}$2y$05$CVWsBYpSkDYkFm/yB3G.5uuwg/yMIlRAGTyfeFBW1zqs5HO3cNn/y", false},
	"yescrypt":       {"{CRYPT}$y$j9T$mUB0g5P6xEFze6fg82oJ3/$czby68/z//buMYRif962Xcil7zXNmZ.yfFUR.FjieeD", true},
	"Argon2id":       {"{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$1YFRobXT41bUyDIZ8B44LA$YBOI5ZD1bnPtopKyIOs8B+MHrQEmtGOk02yNglsoof0", true},
	"OpenLDAP argon": {"{ARGON2}$argon2i$v=19$m=4096,t=3,p=1$GaUujRAZfO1Hly4fAFRP4Q$oBQ+VWzM5ToGnghv/aBND6Mnb/AwcDyzUxH+8/rU4wc", true},
	"PBKDF2 sha1":    {"{PBKDF2-SHA1}10000$MDEyMzQ1Njc4OWFiY2RlZg$7MM7RhlPFuambnZQTLcO5OoqYbc", true},
	"PBKDF2 sha256":  {"{PBKDF2-SHA256}10000$MDEyMzQ1Njc4OWFiY2RlZg$/SRDDwBDJ4YfXYsSwCZDOaPjOR3.xymW8zODmPDJfEk", true},
	"PBKDF2 sha512":  {"{PBKDF2-SHA512}999$MDEyMzQ1Njc4OWFiY2RlZg$31O5RIWDctMgsAVsHdN5aeK1wxwpeYP5r.115fMYc5/pUfUcfdDC7l2cCH9bM/v.b3/Q2IlM8KKR1O4WnpGyBw", false},
	"PBKDF2":         {"{PBKDF2}10000$MDEyMzQ1Njc4OWFiY2RlZg$7MM7RhlPFuambnZQTLcO5OoqYbc", true},
	"PassLib":        {"$pbkdf2-sha256$29000$MDEyMzQ1Njc4OWFiY2RlZg$qmZ6jM31iHz9oBB0ZgMl5DyKpN8BZIHmf.3E3sER2Mk", true},
	"389":            {"{PBKDF2_SHA256}AAAnEAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj9ekg5gvbpoyTQ0XePEOHZCMbTHcDJNgBsYLvEgKTFbkpVld/AgcLYN18KF0+oiOMOmfYuKkxHzFhAlz/bB25etDGR40sAzM0/QtBJVZyw1MLvGvhZJReiuqrhoq/xJctofszPUuSiFbaTwb7bkdiEgBk0qIxAcBBdwDJZ4hKqT2XjidZiA1o65/qXNeIZoba6MuhjqLOyq4nbpBxvTcJSY+q8cDQM5VJNrZDYdEn7XYSOK+xN0ctR39RdTIaRU7/o5jUHfjxam0w0XEr8kGWzhYQ8qWCweumem1BHuf43C/mTK90yGEyK+6iz6msS9DNTAbAteT3xcZzRheoaQJ73G", true},
}

func foreign(t testing.TB, value string) Foreign {
	t.Helper()
	f, err := ReadForeign(NewText(value))
	if err != nil {
		t.Fatalf("%.12s…: %v", value, err)
	}
	return f
}

func imported(t testing.TB, h *Hasher, value string) Text {
	t.Helper()
	stored, err := h.Import(t.Context(), foreign(t, value), rand.Reader)
	if err != nil {
		t.Fatalf("%.12s…: %v", value, err)
	}
	return stored
}

// TestPasswordsOfOtherDirectoriesAreVerifiedWithOneRunEach holds for the hashes
// as the other programs made them.
func TestPasswordsOfOtherDirectoriesAreVerifiedWithOneRunEach(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	for name, c := range theirs {
		t.Run(name, func(t *testing.T) {
			before := h.Runs()
			stored := imported(t, h, c.value)
			if spent := h.Runs() - before; foreign(t, c.value).Work() == c.slow || spent != map[bool]uint64{true: 0, false: 1}[c.slow] {
				t.Errorf("taking it over took %d runs, slow is %v", spent, c.slow)
			}
			if err := mayBeKept(stored); err != nil {
				t.Fatal(err)
			}
			for typed, want := range map[string]bool{foreignPassword: true, "Grüße 7 tage": false, "": false, foreignPassword + " ": false} {
				before := h.Runs()
				ok, stale, err := h.Verify(t.Context(), stored, NewText(typed))
				if ok != want || stale != want || err != nil || h.Runs() != before+1 {
					t.Errorf("%q: %v, stale %v, %v, %d runs", typed, ok, stale, err, h.Runs()-before)
				}
			}
		})
	}
}

// TestAFastHashIsNowhereInWhatIsStored: whoever reads the database has Argon2id
// before him.
func TestAFastHashIsNowhereInWhatIsStored(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	for name, c := range theirs {
		f := foreign(t, c.value)
		stored := imported(t, h, c.value).Reveal()
		if c.slow {
			continue
		}
		if !strings.Contains(stored, "$argon2id$") || strings.Contains(stored, string(f.output)) || strings.Contains(c.value, stored) {
			t.Errorf("%s: the hash itself is stored", name)
		}
		parsed, err := parseStored(stored)
		if err != nil || parsed.want != nil || parsed.argon.cost != cheap {
			t.Errorf("%s: %v, %+v", name, err, parsed.argon.cost)
		}
	}
}

func TestAnImportThatIsRepeatedKnowsWhatItMade(t *testing.T) {
	h, other := NewHasher(cheap, 1, 0), "{SSHA}"+strings.Repeat("A", 40)
	for name, c := range theirs {
		f, stored := foreign(t, c.value), imported(t, h, c.value)
		if like, err := h.Compare(t.Context(), stored, f); like != Same || err != nil {
			t.Errorf("%s: with itself it is %v, %v", name, like, err)
		}
		if like, err := h.Compare(t.Context(), imported(t, h, other), f); like != Unlike || err != nil {
			t.Errorf("%s: with another it is %v, %v", name, like, err)
		}
		if like, err := h.Compare(t.Context(), Text{}, f); like != Unlike || err != nil {
			t.Errorf("%s: with nothing it is %v, %v", name, like, err)
		}
		if like, err := h.Compare(t.Context(), hashOf(t, h, foreignPassword), f); like != Renewed || err != nil {
			t.Errorf("%s: after a sign-in it is %v, %v", name, like, err)
		}
	}
	if like, err := h.Compare(t.Context(), imported(t, h, "{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk="), foreign(t, theirs["SHA"].value)); like != Unlike || err != nil {
		t.Errorf("of two unsalted ones it is %v, %v", like, err)
	}
	clear, stored := foreign(t, foreignPassword), hashOf(t, h, foreignPassword)
	if like, err := h.Compare(t.Context(), stored, clear); like != Same || err != nil {
		t.Errorf("a password in clear and its hash: %v, %v", like, err)
	}
	if like, err := h.Compare(t.Context(), stored, foreign(t, hashOf(t, h, "another").Reveal())); like != Unlike || err != nil {
		t.Errorf("two of our own: %v, %v", like, err)
	}
}

// TestBcryptCountsSeventyTwoBytes: what stands behind them never went into the
// hash, so it opens nothing by itself and is never made part of a new hash.
func TestBcryptCountsSeventyTwoBytes(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	head := strings.Repeat("x", 71)
	for _, value := range []string{
		"{CRYPT}$2b$05$ReaZ2tvD74jejs8Jm95ipuAyGctFi43nWQoQ550JgNa5Vx2nVXR3m",
		"{BCRYPT}$2b$09$nvbBM8Thg7btWm7b.CrQWuWTmgWX1ifPGHoKGrsbiuIGNhBiaAMsu",
	} {
		for typed, want := range map[string]struct{ ok, stale bool }{
			head + "y": {true, true}, head + "y and more": {true, false}, head: {}, head + "z": {}, head + "z and more": {},
		} {
			ok, stale, err := h.Verify(t.Context(), imported(t, h, value), NewText(typed))
			if ok != want.ok || stale != want.stale || err != nil {
				t.Errorf("%.7s with %d bytes: %v, stale %v, %v", value, len(typed), ok, stale, err)
			}
		}
	}
}

func TestAPasswordInClearIsHashedAndIsNoHash(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	for value, password := range map[string]string{
		"secret 1": "secret 1", "{CLEARTEXT}{x}": "{x}", "{plain}p": "p", "$": "$", "$7$x": "$7$x", "p{SSHA}": "p{SSHA}",
	} {
		if clear, ok := foreign(t, value).Clear(); !ok || clear.Reveal() != password {
			t.Errorf("%q is not read as a password in clear", value)
		}
		if _, err := ReadForeignHash(NewText(value)); !errors.Is(err, ErrClear) {
			t.Errorf("%q as a hash: %v", value, err)
		}
		if ok, stale, err := h.Verify(t.Context(), imported(t, h, value), NewText(password)); !ok || stale || err != nil {
			t.Errorf("%q: %v, %v, %v", value, ok, stale, err)
		}
	}
}

// TestWhatCannotBeVerifiedIsRefusedAndNotRepeated includes hashes that ask for
// hours of work.
func TestWhatCannotBeVerifiedIsRefusedAndNotRepeated(t *testing.T) {
	salt, sha512crypt := strings.Repeat("s", 16), strings.Repeat("h", 86)
	for name, c := range map[string]struct {
		value string
		want  error
	}{
		"nothing":              {"", errRecipe},
		"no scheme":            {"{}x", errRecipe},
		"no value":             {"{SSHA}", errRecipe},
		"unknown":              {"{X-OWN}hhhhhhhh", errRecipe},
		"a broken hash":        {"$6$x", errRecipe},
		"DES":                  {"{CRYPT}hhhhhhhhhhhhh", errRecipe},
		"no salt":              {"{SSHA}7jpvJrMRs/3DDNSPAW7QgHphQ/U=", errRecipe},
		"a salt":               {"{SHA}vPQwEIcrzworgDdF+ah14ZMHiX8rOMNR", errRecipe},
		"short digest":         {"{SHA512}7jpvJrMRs/3DDNSPAW7QgHphQ/U=", errRecipe},
		"a long salt":          {"{SSHA}" + strings.Repeat("h", 120), errRecipe},
		"no base64":            {"{SSHA}hhhh!hhhhhhhhhhhhhhhhhhhhhhhhhhhhhh", errRecipe},
		"short crypt":          {"{CRYPT}$6$" + salt + "$hhhh", errRecipe},
		"rounds":               {"{CRYPT}$6$rounds=1000001$" + salt + "$" + sha512crypt, errCost},
		"rounds without end":   {"$6$rounds=999999999$" + salt + "$" + sha512crypt, errCost},
		"rounds beyond number": {"{CRYPT}$6$rounds=99999999999999999999$" + salt + "$" + sha512crypt, errRecipe},
		"no rounds":            {"{CRYPT}$6$rounds=0$" + salt + "$" + sha512crypt, errRecipe},
		"negative rounds":      {"{CRYPT}$6$rounds=-1$" + salt + "$" + sha512crypt, errRecipe},
		"bcrypt of a day":      {"{CRYPT}$2b$31$hXksr/g1NOrUIkSpOU5jHeaepMMrcK0u3s2FkbXqBJS/Y34vvBIxa", errCost},
		"bcrypt of nothing":    {"{CRYPT}$2b$03$hXksr/g1NOrUIkSpOU5jHeaepMMrcK0u3s2FkbXqBJS/Y34vvBIxa", errRecipe},
		"a bug of bcrypt's":    {"{CRYPT}$2x$05$hXksr/g1NOrUIkSpOU5jHeaepMMrcK0u3s2FkbXqBJS/Y34vvBIxa", errRecipe},
		"yescrypt of memory":   {"{CRYPT}$y$jFT$mUB0g5P6xEFze6fg82oJ3/$czby68/z//buMYRif962Xcil7zXNmZ.yfFUR.FjieeD", errCost},
		"yescrypt of nothing":  {"{CRYPT}$y$j$mUB0g5P6xEFze6fg82oJ3/$czby68/z//buMYRif962Xcil7zXNmZ.yfFUR.FjieeD", errRecipe},
		"iterations":           {"{PBKDF2-SHA256}2000001$MDEyMzQ1Njc4OWFiY2RlZg$" + strings.Repeat("h", 43), errCost},
		"no iterations":        {"{PBKDF2-SHA256}0$MDEyMzQ1Njc4OWFiY2RlZg$" + strings.Repeat("h", 43), errRecipe},
		"PBKDF2 with MD5":      {"$pbkdf2-md5$1000$MDEyMzQ1Njc4OWFiY2RlZg$" + strings.Repeat("h", 43), nil},
		"Argon2 of memory":     {"{ARGON2}$argon2id$v=19$m=4194304,t=1,p=1$1YFRobXT41bUyDIZ8B44LA$YBOI5ZD1bnPtopKyIOs8B+MHrQEmtGOk02yNglsoof0", nil},
		"Argon2i of memory":    {"{ARGON2}$argon2i$v=19$m=4194304,t=1,p=1$GaUujRAZfO1Hly4fAFRP4Q$oBQ+VWzM5ToGnghv/aBND6Mnb/AwcDyzUxH+8/rU4wc", nil},
		"Argon2d":              {"{ARGON2}$argon2d$v=19$m=4096,t=3,p=1$GaUujRAZfO1Hly4fAFRP4Q$oBQ+VWzM5ToGnghv/aBND6Mnb/AwcDyzUxH+8/rU4wc", errRecipe},
	} {
		f, err := ReadForeignHash(NewText(c.value))
		if err == nil || f.Work() || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && len(c.value) > 20 && strings.Contains(err.Error(), c.value[len(c.value)-8:]) {
			t.Errorf("%s: the error repeats the value: %v", name, err)
		}
	}
	if made, err := NewHasher(cheap, 1, 0).Import(t.Context(), Foreign{}, rand.Reader); err == nil || !made.Empty() {
		t.Error("nothing was taken over")
	}
}

// FuzzReadForeign: whatever is read can be kept, verified without a crash, and
// is known again.
func FuzzReadForeign(f *testing.F) {
	for _, c := range theirs {
		f.Add(c.value)
	}
	h := NewHasher(cheap, 1, 0)
	f.Fuzz(func(t *testing.T, value string) {
		foreign, err := ReadForeign(NewText(value))
		if err != nil {
			return
		}
		if _, clear := foreign.Clear(); clear {
			return
		}
		stored, err := h.Import(t.Context(), foreign, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := mayBeKept(stored); err != nil {
			t.Fatal(err)
		}
		if like, err := h.Compare(t.Context(), stored, foreign); like != Same || err != nil {
			t.Fatalf("it is %v, %v", like, err)
		}
	})
}
