package doctor

import (
	"regexp"
	"strings"

	"pickerd/configs"
	"pickerd/device"
)

// removed stands where a secret was.
const removed = "(removed)"

// secrets are what tokens, keys, codes and links look like, wherever they stand.
// The first group of each is kept.
var secrets = []*regexp.Regexp{
	regexp.MustCompile(`()ya29\.[A-Za-z0-9_.-]+`),                          // access tokens
	regexp.MustCompile(`()1//[A-Za-z0-9_-]{10,}`),                          // refresh tokens
	regexp.MustCompile(`()GOCSPX-[A-Za-z0-9_-]+`),                          // client secrets
	regexp.MustCompile(`()AGE-SECRET-KEY-1[A-Z0-9]+`),                      // keys of token files
	regexp.MustCompile(`()\b4/[A-Za-z0-9_-]{20,}`),                         // authorization codes
	regexp.MustCompile(`()\b[A-Z]{4}-[A-Z]{4}\b`),                          // user codes
	regexp.MustCompile(`()[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`), // who has paired
	regexp.MustCompile(`(https?://[^\s"]*?/picker/)[^\s"]+`),               // links to choose photos
	regexp.MustCompile(`(https?://[^\s"/]+/pair/)[^\s"]+`),                 // links to pair
	regexp.MustCompile(`(?i)((?:client_secret|refresh_token|access_token|id_token|device_code|code_verifier|user_code)"?\s*[=:]\s*"?)[^\s",}]+`),
	regexp.MustCompile(`(?i)(authorization:\s*\w+\s+)\S+`),
	regexp.MustCompile(`(?s)()-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----`),
}

// A Scrubber takes secrets out of texts.
type Scrubber struct{ known *strings.Replacer }

// NewScrubber returns a Scrubber that also knows a configuration's own secrets.
func NewScrubber(c *configs.Config, ways []device.Way) *Scrubber {
	var pairs []string
	add := func(s string) {
		if len(s) >= 4 { // what is shorter would be found in other words
			pairs = append(pairs, s, removed)
		}
	}
	if c != nil {
		add(c.Google.ClientSecret)
	}
	for _, w := range ways {
		add(string(w.Secret))
	}
	return &Scrubber{strings.NewReplacer(pairs...)}
}

// Text returns s without secrets.
func (s *Scrubber) Text(text string) string {
	text = s.known.Replace(text)
	for _, re := range secrets {
		text = re.ReplaceAllString(text, "${1}"+removed)
	}
	return text
}
