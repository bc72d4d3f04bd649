package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

const confidential = "Tr0ub4dor&3-confidential"

// shows returns the spelling in which out shows the secret, "" for none.
func shows(out string) string {
	b := []byte(confidential)
	for _, spelling := range []string{
		confidential,
		fmt.Sprintf("%q", confidential)[1:10],
		hex.EncodeToString(b)[:16],
		fmt.Sprintf("% x", b)[:16],
		fmt.Sprintf("%#x", b)[2:16],
		base64.StdEncoding.EncodeToString(b)[:12],
		strings.Trim(fmt.Sprint(b), "[]")[:16],
		strings.Trim(fmt.Sprintf("%b", b), "[]")[:16],
		strings.Trim(fmt.Sprintf("%o", b), "[]")[:16],
		strings.Trim(fmt.Sprintf("%c", b), "[]")[:16],
		fmt.Sprintf("%U", b)[1:16],
	} {
		if strings.Contains(strings.ToLower(out), strings.ToLower(spelling)) {
			return spelling
		}
	}
	return ""
}

// The ways in which other packages hold a Text.
type (
	exported   struct{ Password Text }
	unexported struct{ password Text }
	embedded   struct{ Text }
	deep       struct {
		name  string
		inner *unexported
		any   any
		many  []unexported
		by    map[string]unexported
		array [1]Text
	}
)

type failure struct{ typed Text }

func (failure) Error() string { return "failed" }

func holders() map[string]any {
	t := NewText(confidential)
	return map[string]any{
		"itself":             t,
		"pointer":            &t,
		"exported field":     exported{t},
		"pointer to struct":  &exported{t},
		"unexported field":   unexported{t},
		"pointer to private": &unexported{t},
		"embedded":           embedded{t},
		"slice":              []Text{t},
		"slice of pointers":  []*Text{&t},
		"map":                map[string]Text{"k": t},
		"map of any":         map[string]any{"k": t},
		"deep": deep{name: "n", inner: &unexported{t}, any: unexported{t}, many: []unexported{{t}},
			by: map[string]unexported{"k": {t}}, array: [1]Text{t}},
		"error":         failure{t},
		"wrapped error": fmt.Errorf("trying: %w", failure{t}),
		"joined errors": errors.Join(failure{t}, fmt.Errorf("with %v", t)),
		"function":      t.Reveal,
	}
}

func TestNoVerbPrintsASecret(t *testing.T) {
	verbs := strings.Split("v +v #v s +s #s q +q #q x X #x % x # x d +d b o O c U #U t e E f F g G p T w 8.3v -20s", " ")
	verbs = append(verbs, " x", " X", "# x", "z")
	for name, holder := range holders() {
		for _, verb := range verbs {
			if out := fmt.Sprintf("%"+verb, holder); shows(out) != "" {
				t.Errorf("%%%s of %s shows it as %s", verb, name, shows(out))
			}
		}
		for _, out := range []string{fmt.Sprint(holder), fmt.Sprintln(holder), fmt.Errorf("%w %v", errors.ErrUnsupported, holder).Error()} {
			if shows(out) != "" {
				t.Errorf("printing %s shows it as %s", name, shows(out))
			}
		}
	}
}

func TestEveryVerbShowsTheConstant(t *testing.T) {
	for _, verb := range strings.Split("%v %+v %#v %s %q %x %X %d %b %o %c %U %t %e %20s", " ") {
		if got := fmt.Sprintf(verb, NewText(confidential)); got != redacted {
			t.Errorf("%s: %s", verb, got)
		}
	}
	if got := NewText(confidential).String() + NewText(confidential).GoString(); got != redacted+redacted {
		t.Errorf("String and GoString: %s", got)
	}
}

func TestNoEncoderPrintsASecret(t *testing.T) {
	encoders := map[string]func(any) ([]byte, error){
		"json": json.Marshal,
		"xml":  xml.Marshal,
		"gob": func(v any) ([]byte, error) {
			var b bytes.Buffer
			err := gob.NewEncoder(&b).Encode(v)
			return b.Bytes(), err
		},
		"toml": func(v any) ([]byte, error) {
			var b bytes.Buffer
			err := toml.NewEncoder(&b).Encode(map[string]any{"holder": v})
			return b.Bytes(), err
		},
	}
	for format, encode := range encoders {
		for name, holder := range holders() {
			// Not everything can be encoded in every format: an error is as
			// good as a constant, as long as it shows nothing either.
			out, err := encode(holder)
			if seen := shows(string(out) + fmt.Sprint(err)); seen != "" {
				t.Errorf("%s of %s shows it as %s", format, name, seen)
			}
		}
		out, err := encode(exported{NewText(confidential)})
		if err != nil || !bytes.Contains(out, []byte(redacted)) {
			t.Errorf("%s of a struct: %q, %v, want the constant in it", format, out, err)
		}
	}
	if out, err := json.Marshal(map[string]any{"list": []Text{NewText(confidential)}}); err != nil || !bytes.Contains(out, []byte(redacted)) {
		t.Errorf("json of a list: %s, %v", out, err)
	}
}

func TestAnAttributeOfXMLAndAKeyOfJSONShowTheConstant(t *testing.T) {
	out, err := xml.Marshal(struct {
		XMLName  xml.Name `xml:"account"`
		Password Text     `xml:"password,attr"`
	}{Password: NewText(confidential)})
	if err != nil || string(out) != `<account password="[secret]"></account>` {
		t.Errorf("xml: %s, %v", out, err)
	}
}

func TestNoLoggerPrintsASecret(t *testing.T) {
	var out bytes.Buffer
	options := &slog.HandlerOptions{Level: slog.LevelDebug}
	loggers := map[string]*slog.Logger{
		"text": slog.New(slog.NewTextHandler(&out, options)),
		"json": slog.New(slog.NewJSONHandler(&out, options)),
	}
	for handler, logger := range loggers {
		for name, holder := range holders() {
			out.Reset()
			logger.Info("message", "holder", holder)
			logger.With("holder", holder).Info("message", slog.Group("g", slog.Any("holder", holder)))
			if out.Len() == 0 || shows(out.String()) != "" {
				t.Errorf("slog %s of %s: %d bytes, shows it as %s", handler, name, out.Len(), shows(out.String()))
			}
		}
		out.Reset()
		logger.Info("message", "password", NewText(confidential))
		if !strings.Contains(out.String(), redacted) {
			t.Errorf("slog %s shows no constant: %s", handler, out.String())
		}
	}
	for name, holder := range holders() {
		out.Reset()
		log.New(&out, "", 0).Println(holder)
		if shows(out.String()) != "" {
			t.Errorf("log of %s shows it as %s", name, shows(out.String()))
		}
	}
}

func TestAPanicWithASecretShowsTheConstant(t *testing.T) {
	defer func() {
		if out := fmt.Sprint(recover()); out != redacted {
			t.Errorf("recovered %s", out)
		}
	}()
	panic(NewText(confidential))
}

func TestDigestsAndMACsShowAConstant(t *testing.T) {
	d, m := Digest{1, 2, 3}, MAC{1, 2, 3}
	for _, verb := range strings.Split("%v %+v %#v %s %q %x %X %d %b %c", " ") {
		if got := fmt.Sprintf(verb+verb, d, m); got != redacted+redacted {
			t.Errorf("%s: %s", verb, got)
		}
	}
	out, err := json.Marshal(map[string]any{"digest": d, "mac": m})
	if err != nil || string(out) != `{"digest":"[secret]","mac":"[secret]"}` {
		t.Errorf("json: %s, %v", out, err)
	}
	if got := d.String() + m.String(); got != redacted+redacted {
		t.Errorf("String: %s", got)
	}
}

func TestTextKeepsWhatItWasGiven(t *testing.T) {
	var zero Text
	if !zero.Empty() || zero.Reveal() != "" || zero.Len() != 0 || !NewText("").Empty() {
		t.Error("the zero Text is not empty")
	}
	a := NewText(confidential)
	if a.Empty() || a.Reveal() != confidential || a.Len() != len(confidential) {
		t.Error("a Text lost something")
	}
	if !a.Equal(NewText(strings.Clone(confidential))) || a.Equal(zero) || a.Equal(NewText("x"+confidential[1:])) || !zero.Equal(NewText("")) {
		t.Error("Equal does not compare the content")
	}
}
