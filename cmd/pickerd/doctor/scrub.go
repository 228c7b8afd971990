package doctor

import (
	"regexp"
	"strings"

	"pickerd/configs"
	"pickerd/device/engine"
)

// removed replaces a secret.
const removed = "(removed)"

// keys matches the names of secrets in files and answers.
const keys = `(?:client_secret|refresh_token|access_token|id_token|device_code|code_verifier|user_code|qr_uri|picker_uri|display_key)`

// secrets match tokens, keys, codes and links anywhere in a text. The first group of
// each is kept.
var secrets = []*regexp.Regexp{
	regexp.MustCompile(`()ya29\.[A-Za-z0-9_.-]+`),                              // access tokens
	regexp.MustCompile(`()1//[A-Za-z0-9_-]{10,}`),                              // refresh tokens
	regexp.MustCompile(`()GOCSPX-[A-Za-z0-9_-]+`),                              // client secrets
	regexp.MustCompile(`()AGE-SECRET-KEY-1[A-Z0-9]+`),                          // keys of token files
	regexp.MustCompile(`()\b4(?:/|%2F)[A-Za-z0-9_-]{5,}`),                      // authorization codes
	regexp.MustCompile(`()\b[A-Z]{4}-[A-Z]{4}\b`),                              // user codes
	regexp.MustCompile(`(://)[^\s/@"]+:[^\s/@"]*@`),                            // a proxy's user and password
	regexp.MustCompile(`()\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b`), // accounts
	regexp.MustCompile(`()AIza[A-Za-z0-9_-]+`),                                 // API keys
	regexp.MustCompile(`(?i)([?&](?:code|state|key|token|user_code|sessionId|requestId)=)[^&\s"]+`),
	regexp.MustCompile(`(?i)((?:SetCredential(?:Encrypted)?=|systemd\.set_credential(?:_binary)?=)[^:\s]*:)\S.*`),
	regexp.MustCompile(`(?i)((?:wpa_psk|psk|password|passphrase|passwd)\s*[=:]\s*)\S+`),
	regexp.MustCompile(`(https?://lh3\.googleusercontent\.com/)[^\s"]+`), // photos
	regexp.MustCompile(`(https?://[^\s"]*?/picker/)[^\s"]+`),             // links to choose photos
	regexp.MustCompile(`(https?://[^\s"/]+/pair/)[^\s"]+`),               // links to pair
	regexp.MustCompile(`(?i)(` + keys + `"?\s*[=:]\s*")[^"]*`),
	regexp.MustCompile(`(?i)(` + keys + `\s*[=:]\s*')[^']*`),
	regexp.MustCompile(`(?i)(` + keys + `"?\s*[=:]\s*)[^\s"',}]+`),
	regexp.MustCompile(`(?i)(authorization:\s*\w+\s+)\S+`),
	regexp.MustCompile(`(?s)()-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----`),
}

// A scrubber removes secrets from texts.
type scrubber struct{ known *strings.Replacer }

// newScrubber returns a scrubber that also removes the secrets of a configuration.
func newScrubber(c *configs.Config, methods []engine.Method) *scrubber {
	var pairs []string
	add := func(s string) {
		if len(s) >= 4 { // shorter ones would match other words
			pairs = append(pairs, s, removed)
		}
	}
	if c != nil {
		add(c.Google.ClientSecret)
	}
	for _, w := range methods {
		add(string(w.Secret))
	}
	return &scrubber{strings.NewReplacer(pairs...)}
}

// Text returns text without secrets.
func (s *scrubber) Text(text string) string {
	text = s.known.Replace(text)
	for _, re := range secrets {
		text = re.ReplaceAllString(text, "${1}"+removed)
	}
	return text
}
