package gateway

import (
	"crypto/rand"
	"strings"
	"unicode"
)

const (
	codeLetters = "BCDFGHJKLMNPQRSTVWXZ" // RFC 8628 §6.1
	codeLength  = 9
	maxTyped    = 64 // bytes that a person may type

	deviceCodeBytes = 32
	linkBytes       = 12 // 96 bits
	linkLength      = linkBytes * 4 / 3
	stateBytes      = 32
)

// newUserCode returns a random code as it is shown, XXX-XXX-XXX.
func newUserCode() string {
	// The largest multiple of the alphabet's size that a byte can hold. Larger
	// bytes are dropped, so that no letter is more likely than another.
	const limit = 256 / len(codeLetters) * len(codeLetters)
	code := make([]byte, 0, codeLength)
	for len(code) < codeLength {
		var b [2 * codeLength]byte
		rand.Read(b[:])
		for _, v := range b {
			if int(v) < limit && len(code) < codeLength {
				code = append(code, codeLetters[int(v)%len(codeLetters)])
			}
		}
	}
	return showCode(string(code))
}

func showCode(letters string) string {
	return letters[:3] + "-" + letters[3:6] + "-" + letters[6:]
}

// parseUserCode reads a typed code. Case, punctuation and space do not matter
// (RFC 8628 §6.1). It returns the code as it is shown.
func parseUserCode(typed string) (code string, ok bool) {
	if len(typed) > maxTyped {
		return "", false
	}
	var letters strings.Builder
	for _, r := range typed {
		if r = unicode.ToUpper(r); strings.ContainsRune(codeLetters, r) {
			letters.WriteRune(r)
		} else if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return "", false
		}
	}
	if letters.Len() != codeLength {
		return "", false
	}
	return showCode(letters.String()), true
}
