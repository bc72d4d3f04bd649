package page

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

//go:embed lang/*.json
var catalogues embed.FS

// Languages are the tags of the languages there are, the first of them the
// one for readers of none.
var Languages = []string{"en", "nl"}

// Language is one catalogue of words. It is immutable after loading and may be
// used concurrently.
type Language struct {
	Tag   string // "en"
	Name  string // in the language itself: "English"
	words map[string]string
}

// loadLanguages reads the embedded catalogues.
func loadLanguages() (map[string]*Language, error) {
	all := make(map[string]*Language, len(Languages))
	for _, tag := range Languages {
		data, err := catalogues.ReadFile(path.Join("lang", tag+".json"))
		if err != nil {
			return nil, fmt.Errorf("reading the words of %s: %w", tag, err)
		}
		l := &Language{Tag: tag}
		if err := json.Unmarshal(data, &l.words); err != nil {
			return nil, fmt.Errorf("reading the words of %s: %w", tag, err)
		}
		l.Name = l.words["language.name"]
		all[tag] = l
	}
	return all, nil
}

// Choose returns the tag of the language to answer in: chosen where it is one
// there is, else the best for the Accept-Language header.
func Choose(chosen, acceptLanguage string) string {
	if slices.Contains(Languages, chosen) {
		return chosen
	}
	tags := make([]language.Tag, len(Languages))
	for i, l := range Languages {
		tags[i] = language.MustParse(l)
	}
	_, i := language.MatchStrings(language.NewMatcher(tags), acceptLanguage)
	return Languages[i]
}

// Text returns the words of key with {0}, {1} … replaced by args. A key that
// has no words shows itself, so that the gap is seen; a test finds it first.
func (l *Language) Text(key string, args ...any) string {
	words, ok := l.words[key]
	if !ok {
		return "⟦" + key + "⟧"
	}
	for i, a := range args {
		words = strings.ReplaceAll(words, fmt.Sprintf("{%d}", i), fmt.Sprint(a))
	}
	return words
}

// Markup is Text for a page, with args that may be markup already.
func (l *Language) Markup(key string, args ...any) template.HTML {
	words := template.HTMLEscapeString(l.Text(key))
	for i, a := range args {
		markup, ok := a.(template.HTML)
		if !ok {
			markup = template.HTML(template.HTMLEscapeString(fmt.Sprint(a)))
		}
		words = strings.ReplaceAll(words, fmt.Sprintf("{%d}", i), string(markup))
	}
	return template.HTML(words)
}

// Count returns the words for n things: key.one for one, else key.other, with
// {0} replaced by n and the rest by args.
func (l *Language) Count(key string, n any, args ...any) string {
	form := ".other"
	if fmt.Sprint(n) == "1" {
		form = ".one"
	}
	return l.Text(key+form, append([]any{n}, args...)...)
}

// Has reports whether there are words for key.
func (l *Language) Has(key string) bool {
	_, ok := l.words[key]
	return ok
}
