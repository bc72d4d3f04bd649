// Package page turns what the portal has to show into HTML, in the reader's
// language. It holds the templates, the style sheet, the script and the words,
// and knows nothing of accounts, requests or decisions.
//
// It may import nothing of Postern's own but secret.
package page
