package phone

import (
	"net/url"
	"regexp"
	"strings"
)

// addressLike finds an address in what somebody copied with words around it.
var addressLike = regexp.MustCompile(`(?i)(https?://)?(127\.0\.0\.1|localhost|\[::1\])[^\s<>"]*`)

// parsePasted reads what a person has copied from the address line of a page
// that could not be opened: the whole address, with or without its beginning,
// or only its query.
func parsePasted(text string) (answer url.Values, ok bool) {
	text = strings.TrimSpace(text)
	if found := addressLike.FindString(text); found != "" {
		text = found
	}
	if _, query, cut := strings.Cut(text, "?"); cut {
		text = query
	}
	text, _, _ = strings.Cut(text, "#")
	all, err := url.ParseQuery(text)
	if err != nil {
		return nil, false
	}
	// Only what an authorization response has (RFC 6749 §4.1.2) goes on.
	answer = url.Values{}
	for _, key := range []string{"code", "error", "state"} {
		if v := all.Get(key); v != "" {
			answer.Set(key, v)
		}
	}
	if !answer.Has("state") || !answer.Has("code") && !answer.Has("error") {
		return nil, false
	}
	return answer, true
}
