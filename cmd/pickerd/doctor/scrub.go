package doctor

import (
	"regexp"
	"strings"
	"sync"

	"pickerd/configs"
	"pickerd/device/engine"
)

// removed replaces a secret.
const removed = "(removed)"

// keys matches the names of secrets in files and answers.
const keys = `(?:client_secret|refresh_token|access_token|id_token|device_code|code_verifier|user_code|qr_uri|picker_uri|display_key)`

// secrets match tokens, keys, codes and links anywhere in a text. The first group of
// each is kept.
var secrets = sync.OnceValue(func() (list []*regexp.Regexp) {
	for _, s := range []string{
		`()ya29\.[A-Za-z0-9_.-]+`,                              // access tokens
		`()1//[A-Za-z0-9_-]{10,}`,                              // refresh tokens
		`()GOCSPX-[A-Za-z0-9_-]+`,                              // client secrets
		`()AGE-SECRET-KEY-1[A-Z0-9]+`,                          // keys of token files
		`()\b4(?:/|%2F)[A-Za-z0-9_-]{5,}`,                      // authorization codes
		`()\b[A-Z]{4}-[A-Z]{4}\b`,                              // user codes
		`(://)[^\s/@"]+:[^\s/@"]*@`,                            // a proxy's user and password
		`()\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b`, // accounts
		`()AIza[A-Za-z0-9_-]+`,                                 // API keys
		`(?i)([?&](?:code|state|key|token|user_code|sessionId|requestId)=)[^&\s"]+`,
		`(?i)((?:SetCredential(?:Encrypted)?=|systemd\.set_credential(?:_binary)?=)[^:\s]*:)\S.*`,
		`(?i)((?:wpa_psk|psk|password|passphrase|passwd)\s*[=:]\s*)\S+`,
		`(https?://lh3\.googleusercontent\.com/)[^\s"]+`, // photos
		`(https?://[^\s"]*?/picker/)[^\s"]+`,             // links to choose photos
		`(https?://[^\s"/]+/pair/)[^\s"]+`,               // links to pair
		`(?i)(` + keys + `"?\s*[=:]\s*")[^"]*`,
		`(?i)(` + keys + `\s*[=:]\s*')[^']*`,
		`(?i)(` + keys + `"?\s*[=:]\s*)[^\s"',}]+`,
		`(?i)(authorization:\s*\w+\s+)\S+`,
		`(?s)()-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----`,
	} {
		list = append(list, regexp.MustCompile(s))
	}
	return list
})

// A scrubber removes secrets from texts.
type scrubber struct{ known *strings.Replacer }

// Scrubber returns a function that removes secrets from texts, also those of a
// configuration.
func Scrubber(c *configs.Config, methods []engine.Method) func(string) string {
	return newScrubber(c, methods).Text
}

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
		add(c.MQTT.Password)
	}
	for _, w := range methods {
		add(string(w.Secret))
	}
	return &scrubber{strings.NewReplacer(pairs...)}
}

// Text returns text without secrets.
func (s *scrubber) Text(text string) string {
	text = s.known.Replace(text)
	for _, re := range secrets() {
		text = re.ReplaceAllString(text, "${1}"+removed)
	}
	return text
}
