package configs

import (
	"strconv"
	"strings"
)

// maxAncestors bounds the origins that may frame the page. They are in the header of
// each answer.
const maxAncestors = 16

// checkFraming checks the origins of pages that may frame the page.
func (c *Config) checkFraming(bad func(key, format string, args ...any)) {
	const key = "http.frame_ancestors"
	if n := len(c.HTTP.FrameAncestors); n > maxAncestors {
		bad(key, "%d origins are more than %d", n, maxAncestors)
		return
	}
	for _, source := range c.HTTP.FrameAncestors {
		if !IsOrigin(source) {
			bad(key, "%q is not an origin such as https://home.example:8123 or https://*.home.example", source)
		}
	}
}

// IsOrigin reports whether a text is a scheme, host and perhaps port of the web that can
// be a source of a content security policy (CSP Level 3 §2.3.1). The host may begin
// with "*.". Other sources are refused: they would admit every page, or end the policy.
func IsOrigin(source string) bool {
	rest, ok := strings.CutPrefix(source, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(source, "http://")
	}
	if !ok || len(source) > maxOrigin {
		return false
	}
	host, port, hasPort := strings.Cut(rest, ":")
	if n, err := strconv.ParseUint(port, 10, 16); hasPort && (err != nil || n == 0) {
		return false
	}
	wild := strings.HasPrefix(host, "*.")
	labels := strings.Split(strings.TrimPrefix(host, "*."), ".")
	for _, label := range labels {
		if label == "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") || strings.ContainsFunc(label, notInLabel) {
			return false
		}
	}
	return !wild || len(labels) > 1 // not all of a top-level domain
}

// maxOrigin bounds an origin in bytes.
const maxOrigin = 300

func notInLabel(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
}
