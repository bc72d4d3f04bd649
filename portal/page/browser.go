package page

import "strings"

// Browser makes a few plain words of what a browser calls itself: "Firefox,
// Linux". What is not recognised gives "".
func Browser(agent string) string {
	name := firstIn(agent, []pair{{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser", "Samsung Internet"}, {"Firefox/", "Firefox"},
		{"FxiOS", "Firefox"}, {"CriOS", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}})
	system := firstIn(agent, []pair{{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"},
		{"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"}})
	return strings.Trim(name+", "+system, ", ")
}

// pair is what stands in an agent's name, and what people call it.
type pair struct{ mark, name string }

func firstIn(text string, pairs []pair) string {
	for _, p := range pairs {
		if strings.Contains(text, p.mark) {
			return p.name
		}
	}
	return ""
}
