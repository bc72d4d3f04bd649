package mail

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

//go:embed lang/*.json
var catalogues embed.FS

// Languages are the tags of the languages a notice can be written in.
var Languages = []string{"en", "nl"}

// catalogue is the words of one language.
type catalogue map[string]string

func loadCatalogues() (map[string]catalogue, error) {
	all := make(map[string]catalogue, len(Languages))
	for _, tag := range Languages {
		data, err := catalogues.ReadFile("lang/" + tag + ".json")
		if err != nil {
			return nil, fmt.Errorf("reading the words of %s: %w", tag, err)
		}
		var c catalogue
		if err := json.Unmarshal(data, &c); err != nil {
			return nil, fmt.Errorf("reading the words of %s: %w", tag, err)
		}
		all[tag] = c
	}
	return all, nil
}

// text fills facts into the words of key.
func (c catalogue) text(key string, facts map[string]string) string {
	pairs := make([]string, 0, 2*len(facts))
	for name, value := range facts {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(c[key])
}

// write puts a notice into the words of one language after another.
func write(languages []catalogue, n notice, portal string) (subject, body string) {
	facts := map[string]string{
		"name": n.name, "label": n.label, "services": n.services, "service": n.service, "source": n.source,
		"portal": portal, "when": n.at.UTC().Format("2006-01-02 15:04"),
	}
	var subjects, bodies []string
	for _, c := range languages {
		subjects = append(subjects, c.text(n.kind+".subject", facts))
		bodies = append(bodies, c.body(n, facts))
	}
	return strings.Join(subjects, " / "), strings.Join(bodies, "\n\n-- \n\n") + "\n"
}

func (c catalogue) body(n notice, facts map[string]string) string {
	lines := []string{c.text("greeting", facts), c.text(n.kind+".text", facts)}
	when := c.text("when", facts)
	if n.by != "" {
		when += "\n" + c.text(n.by, facts)
	}
	advice := "advice"
	if facts["portal"] == "" {
		advice = "advice-no-portal"
	}
	return strings.Join(append(lines, when, c.text(advice, facts)), "\n\n")
}

// notice is what is to be told to one person.
type notice struct {
	kind     string // begins the keys of the words
	to, name string
	label    string // of the app password
	services string
	service  string
	source   string
	by       string // key of the words; "" for nobody in particular
	at       time.Time
}
