package words

import (
	"strings"
	"unicode"
)

// spelt are the signs whose names a screen reader leaves out or guesses.
var spelt = map[rune]string{'-': "page.spell_dash", ' ': "page.spell_space", '.': "page.spell_dot", '_': "page.spell_underscore", '/': "page.spell_slash"}

// Spell returns a code as it is read out: "G, Q, V, Q, dash, J, K, E, C". A
// small letter is called so, because case matters in a code.
func (w *Words) Spell(code string) string {
	var names []string
	for _, r := range code {
		switch key, ok := spelt[r]; {
		case ok:
			names = append(names, w.Say(key))
		case unicode.IsLower(r):
			names = append(names, w.Say("page.spell_small", "letter", string(unicode.ToUpper(r))))
		default:
			names = append(names, string(r))
		}
	}
	return strings.Join(names, ", ")
}
