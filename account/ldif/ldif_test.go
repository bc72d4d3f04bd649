package ldif_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"postern/account/ldif"
)

// read reads all records of a file.
func read(file string) (records []ldif.Record, err error) {
	r := ldif.NewReader(strings.NewReader(file))
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		records = append(records, *rec)
	}
}

// TestRecordsAreReadAsTheyAreMeant follows the examples of RFC 2849.
func TestRecordsAreReadAsTheyAreMeant(t *testing.T) {
	file := "\ufeff# a comment\n that goes on\nversion: 1\r\n" +
		"dn: cn=Barbara Jensen, ou=Product Development, dc=airius, dc=com\r\n" +
		"objectclass: top\r\n" +
		"description:What is \r\n folded,\r\n  spaces and all\r\n" +
		"cn;lang-de:: QsOkcmJlbA==\n" +
		"empty:\nalso::\n" +
		"\n\n\n# between\n\n" +
		"dn:: b3U95Za25qWt6YOoLG89QWlyaXVz\nchangetype: add\nou: x"
	got, err := read(file)
	if err != nil {
		t.Fatal(err)
	}
	want := []ldif.Record{
		{DN: "cn=Barbara Jensen, ou=Product Development, dc=airius, dc=com", Line: 4, Attributes: []ldif.Attribute{
			{"objectclass", "top", 5}, {"description", "What is folded, spaces and all", 6}, {"cn;lang-de", "Bärbel", 9}, {"empty", "", 10}, {"also", "", 11},
		}},
		{DN: "ou=営業部,o=Airius", Line: 17, Attributes: []ldif.Attribute{{"ou", "x", 19}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read\n%+v, want\n%+v", got, want)
	}
	if v := want[0].Values("ObjectClass"); len(v) != 1 || v[0] != "top" {
		t.Errorf("values are %q", v)
	}
}

func TestAFileThatIsNoLDIFIsRefusedWithItsLine(t *testing.T) {
	for file, want := range map[string]string{
		"version: 2\n":                              "line 1: this is another version",
		"objectClass: top\n":                        `line 1: a record begins with dn, not with "objectClass"`,
		"dn: a=b\nversion: 1\n\nversion: 1":         `line 4: a record begins with dn`,
		"dn: a=b\n\nx\n":                            "line 3: a line is",
		"dn: a=b\n: x\n":                            "line 2: a line is",
		"dn: a=b\nx y: z\n":                         "line 2: a line is",
		" dn: a=b\n":                                "line 1: this line begins with a space",
		"dn: a=b\n\n x\n":                           "line 3: this line begins with a space",
		"dn: a=b\nx:: ?\n":                          `line 2: the value of "x" is not base64`,
		"dn: a=b\nx:< file:///etc/passwd":           `line 2: the value of "x" stands in another file; none is read`,
		"dn: a=b\ndn: c=d\n":                        "line 2: a second dn",
		"dn: a=b\nchangetype: modify\n":             "line 2: this record describes a change",
		"dn: a=b\ncontrol: 1.2 true\n":              "line 2: this record describes a change",
		"dn:: /w==\n":                               "line 1: the dn is not valid UTF-8",
		"dn: a=b\nx: " + strings.Repeat("y", 9<<20): "line 2: this line is too long",
	} {
		_, err := read(file)
		var syntax *ldif.SyntaxError
		if !errors.As(err, &syntax) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", file, err, want)
		}
	}
}

// TestWhatIsWrittenIsReadAgain, folded, and with base64 where it is needed.
func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	long, values := strings.Repeat("0123456789", 40), []string{"", "plain", " space", "space ", ":colon", "<angle", "Grüße", "a\nb", "a\x00", "a\r"}
	var b bytes.Buffer
	w := ldif.NewWriter(&b)
	w.Comment("made by a test")
	w.Begin("uid=ann,dc=example,dc=org")
	w.Add("x", values...)
	w.Begin("cn=Grüße,dc=example,dc=org")
	w.Add("long", long)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if len(line) > 77 || strings.ContainsFunc(line, func(r rune) bool { return r > '~' }) {
			t.Errorf("a line of %d bytes: %q", len(line), line)
		}
	}
	got, err := read(b.String())
	if err != nil || len(got) != 2 {
		t.Fatal(len(got), err)
	}
	if v := got[0].Values("x"); !reflect.DeepEqual(v, values) {
		t.Errorf("read %q, wrote %q", v, values)
	}
	if got[1].DN != "cn=Grüße,dc=example,dc=org" || got[1].Values("long")[0] != long {
		t.Errorf("read %+v", got[1])
	}
	if !strings.HasPrefix(b.String(), "# made by a test\nversion: 1\n\ndn: uid=ann") || strings.Contains(b.String(), "dn: cn=Gr") {
		t.Errorf("wrote\n%s", b.String())
	}
}

func TestAWriterTellsThatItCouldNotWrite(t *testing.T) {
	w := ldif.NewWriter(full{})
	w.Begin("dc=org")
	if err := w.Flush(); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("it says %v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// FuzzRead: no file makes the reader crash, and what it reads can be written
// and is read the same.
func FuzzRead(f *testing.F) {
	f.Add("version: 1\ndn: a=b\nx:: eQ==\ny: z\n  w\n\ndn: c=d\n")
	f.Add("# c\n\n\ndn:a\r\nx:\n")
	f.Fuzz(func(t *testing.T, file string) {
		records, err := read(file)
		if err != nil {
			return
		}
		var b bytes.Buffer
		w := ldif.NewWriter(&b)
		for _, r := range records {
			w.Begin(r.DN)
			for _, a := range r.Attributes {
				w.Add(a.Name, a.Value)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		again, err := read(b.String())
		if err != nil || len(again) != len(records) {
			t.Fatalf("%d records became %d, %v:\n%s", len(records), len(again), err, b.String())
		}
		for i, r := range records {
			if again[i].DN != r.DN || len(again[i].Attributes) != len(r.Attributes) {
				t.Fatalf("%+v became %+v", r, again[i])
			}
			for j, a := range r.Attributes {
				if b := again[i].Attributes[j]; b.Name != a.Name || b.Value != a.Value {
					t.Fatalf("%+v became %+v", a, b)
				}
			}
		}
	})
}
