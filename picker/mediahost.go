package picker

import (
	"net/url"
	"strings"
)

// googleDomains are the domains whose hosts get the access token with a download.
// A baseUrl names lh3.googleusercontent.com.
var googleDomains = []string{"googleusercontent.com", "googleapis.com", "google.com"}

// mayHaveToken reports whether the access token may be sent to an address that a
// list of items names: over https to Google, and to the host of BaseURL, there also
// as BaseURL itself is reached. A list can't make the client tell a stranger.
func (c *Client) mayHaveToken(at *url.URL) bool {
	base, err := url.Parse(c.base())
	if err != nil || at.User != nil {
		return false
	}
	host, own := strings.ToLower(at.Hostname()), strings.EqualFold(at.Hostname(), base.Hostname())
	switch {
	case at.Scheme == "https" && port(at) == "443":
		return own || isGoogle(host)
	case at.Scheme == "https" || at.Scheme == base.Scheme:
		return own && port(at) == port(base)
	}
	return false
}

// isGoogle reports whether a host in lower case is one of Google's, by its last
// labels. net/http maps other characters to ASCII before it resolves a name, so a
// name with such a character is not what it looks like.
func isGoogle(host string) bool {
	if strings.ContainsFunc(host, func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-.", r) }) {
		return false
	}
	host = strings.TrimSuffix(host, ".")
	for _, domain := range googleDomains {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}

// port returns the port of an address, also the scheme's own.
func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
