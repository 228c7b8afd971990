package display

import (
	"strings"
	"unicode"
)

// spoken are the signs whose names a screen reader leaves out or guesses.
var spoken = map[rune]string{'-': "dash", ' ': "space", '.': "dot", '_': "underscore", '/': "slash"}

// Spell returns a code as it is read out: "G, Q, V, Q, dash, J, K, E, C". A
// small letter is called so, because case matters in a code.
func Spell(code string) string {
	var words []string
	for _, r := range code {
		switch name, ok := spoken[r]; {
		case ok:
			words = append(words, name)
		case unicode.IsLower(r):
			words = append(words, "small "+string(unicode.ToUpper(r)))
		default:
			words = append(words, string(r))
		}
	}
	return strings.Join(words, ", ")
}
