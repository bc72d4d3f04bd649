package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"postern/secret"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed static
var static embed.FS

// Static serves the style sheet, the script and the icon.
func Static() http.Handler {
	sub, err := fs.Sub(static, "static")
	if err != nil {
		panic("page: the embedded files are not where they were compiled: " + err.Error())
	}
	return http.FileServerFS(sub)
}

// Set is every page in every language. It may be used concurrently.
type Set struct {
	languages map[string]*Language
	pages     map[string]*template.Template
}

// NewSet parses the embedded pages.
func NewSet() (*Set, error) {
	languages, err := loadLanguages()
	if err != nil {
		return nil, err
	}
	s := &Set{languages: languages, pages: map[string]*template.Template{}}
	shared, err := template.New("layout.html").Funcs(functions).ParseFS(templates, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, fmt.Errorf("reading the layout: %w", err)
	}
	names, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("listing the pages: %w", err)
	}
	for _, file := range names {
		if err := s.add(shared, file); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Set) add(shared *template.Template, file string) error {
	name := strings.TrimSuffix(path.Base(file), ".html")
	if name == "layout" || name == "parts" {
		return nil
	}
	t, err := shared.Clone()
	if err == nil {
		t, err = t.ParseFS(templates, file)
	}
	if err != nil {
		return fmt.Errorf("reading page %s: %w", name, err)
	}
	s.pages[name] = t
	return nil
}

// Language returns the words of a tag of Languages.
func (s *Set) Language(tag string) *Language { return s.languages[tag] }

// View is what every page is shown with.
type View struct {
	*Language
	Now   time.Time
	Title string // key of the page's title
	Nav   string // which entry of the navigation is current
	Path  string // where the page is, for coming back after changing the language
	Width string // "", "slim" or "wide"

	Login string // who is signed in; "" for nobody
	Name  string
	// Full says that the sign-in is complete; without it there is no navigation.
	Full   bool
	Admin  bool
	Notice string // key of what was just done; "" for nothing
	// Contact is whom to ask, in words.
	Contact string
	// IdleSeconds is how long the sign-in lasts without use; 0 for nobody.
	IdleSeconds int
	// Once says that the page holds what is never shown again.
	Once bool
	Data any
}

// Languages lists the languages to switch to.
func (v View) Languages() []string { return Languages }

// In returns the name of a language in itself.
func (v View) In(tag string) string { return languageNames[tag] }

// Here reports whether the navigation's entry is the current one.
func (v View) Here(nav string) bool { return v.Nav == nav }

var languageNames = map[string]string{"en": "English", "nl": "Nederlands"}

// Render writes the page. It is written whole or, where the template fails,
// not at all.
func (s *Set) Render(name string, v View) ([]byte, error) {
	t := s.pages[name]
	if t == nil {
		return nil, fmt.Errorf("there is no page %q", name)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout.html", v); err != nil {
		return nil, fmt.Errorf("rendering page %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// functions are what templates can call besides the View's methods.
var functions = template.FuncMap{
	"reveal": func(t secret.Text) string { return t.Reveal() },
	"groups": secret.Group,
	"dict":   dict,
	"add":    func(a, b int) int { return a + b },
	"join":   strings.Join,
	"iso":    iso,
	// appLink makes a link of an otpauth address, which no other scheme gets
	// past.
	"appLink": func(t secret.Text) template.URL {
		if !strings.HasPrefix(t.Reveal(), "otpauth://") {
			return ""
		}
		return template.URL(t.Reveal())
	},
}

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// dict makes a map of alternating keys and values, for parts that take several.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict wants pairs")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict wants text for keys")
		}
		m[key] = pairs[i+1]
	}
	return m, nil
}
