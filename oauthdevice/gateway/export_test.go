package gateway

import (
	"net/http"
	"net/netip"
)

// NewUserCode and ParseUserCode are for tests.
var (
	NewUserCode   = newUserCode
	ParseUserCode = parseUserCode
)

// ClientAddr is for tests.
func ClientAddr(r *http.Request, trusted ...netip.Prefix) netip.Addr {
	addr, _ := clientAddr(r, trusted)
	return addr
}

// MayContinue is for tests.
func MayContinue(uri string, prefixes ...string) bool {
	parsed, err := parsePrefixes(prefixes)
	return err == nil && mayContinue(parsed, uri)
}

// FillRecent sets n keys while one is in use. It returns how many are kept, and
// whether the one in use was forgotten.
func FillRecent(bound, n int) (length int, forgotten bool) {
	r := newRecent[int, bool](bound)
	for i := range n {
		if i%(bound/4) == 0 {
			r.set(-1, true)
		}
		r.set(i, true)
		length = max(length, r.len())
		_, kept := r.get(-1)
		forgotten = forgotten || !kept
	}
	return length, forgotten
}

// Bounds, for tests.
const (
	MaxRequest     = maxRequest
	MaxHeaderTime  = maxHeaderTime
	GuessesPerHour = guessesPerHour
)
