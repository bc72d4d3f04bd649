package browsertest

// words are those that a walk follows. That pages have them is part of what is
// tested: they are the words of the steps people are handed.
type words struct {
	language                                 string
	signIn, setUp, verify, next              string
	app, passkey, createPasskey, usePasskey  string
	copy, copied, paste, worked, appPassword string
	on                                       string // what a code page asks for
}

var english = words{
	language: "en", signIn: "Sign in", setUp: "Set it up now", verify: "Verify", next: "Next",
	app: "Authenticator app", passkey: "Passkey or security key", createPasskey: "Create passkey", usePasskey: "Use passkey",
	copy: "Copy", copied: "App password copied", paste: "Show me where to paste it", worked: "It worked", appPassword: "App passwords",
	on: "Continue",
}

var dutch = words{
	language: "nl", signIn: "Aanmelden", setUp: "Nu instellen", verify: "Controleren", next: "Volgende",
	app: "Verificatie-app", passkey: "Toegangssleutel of beveiligingssleutel", createPasskey: "Toegangssleutel maken", usePasskey: "Toegangssleutel gebruiken",
	copy: "Kopiëren", copied: "App-wachtwoord gekopieerd", paste: "Laat zien waar ik het plak", worked: "Het werkte", appPassword: "App-wachtwoorden",
	on: "Doorgaan",
}
