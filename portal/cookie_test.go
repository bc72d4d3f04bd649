package portal

import "testing"

func TestLocalStaysOnThePortal(t *testing.T) {
	for to, want := range map[string]string{
		"/app-passwords?x=1": "/app-passwords?x=1",
		"":                   "/home", "home": "/home", "//evil.example": "/home", "/\\evil.example": "/home",
		"https://evil.example/": "/home", "/\t/evil.example": "/home", "/a\r\nb": "/home",
	} {
		if got := local(to); got != want {
			t.Errorf("local(%q) = %q, want %q", to, got, want)
		}
	}
}
