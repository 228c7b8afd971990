package phone

import (
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// loopbackAddress finds the address in copied text that has other words around it.
var loopbackAddress = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(https?://)?(127\.0\.0\.1|localhost|\[::1\])[^\s<>"]*`)
})

// parsePasted reads what a person copied from the address bar of a page that could
// not be opened. It accepts the whole address, with or without its scheme, or only
// its query.
func parsePasted(text string) (answer url.Values, ok bool) {
	text = strings.TrimSpace(text)
	if found := loopbackAddress().FindString(text); found != "" {
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
	// Pass only the parameters of an authorization response (RFC 6749 §4.1.2).
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
