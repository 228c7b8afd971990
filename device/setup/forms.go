package setup

import (
	_ "embed"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"pickerd/display/words"
	"pickerd/oauthdevice"
)

// maxName bounds the box's name, in characters.
const maxName = 60

// maxIssuer bounds the address of a gateway, in bytes.
const maxIssuer = 512

//go:embed assets/zones.txt
var zoneList string

// zones are the names of time zones that people choose from (IANA, zone1970.tab).
var zones = sync.OnceValue(func() []string { return strings.Fields(zoneList) })

// zoneName is the form of a name of a time zone. Phones may know newer ones than the
// list has.
var zoneName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]{1,30}(/[A-Z][A-Za-z0-9_+-]{1,30}){0,2}$`)
})

// readBox reads the form of the first step. The zone is "" if none was chosen.
func readBox(r *http.Request) (name, language, zone string, err error) {
	name = strings.Join(strings.Fields(r.PostFormValue("name")), " ")
	language, zone = r.PostFormValue("language"), r.PostFormValue("zone")
	switch {
	case name == "" || utf8.RuneCountInString(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		err = complain("name_wrong")
	case !slices.Contains(words.Languages(), language):
		err = complain("language_wrong")
	case zone != "" && !zoneName().MatchString(zone):
		err = complain("zone_wrong")
	}
	return name, language, zone, err
}

// literal writes a name for the configuration, where a percent sign begins a specifier.
func literal(name string) string { return strings.ReplaceAll(name, "%", "%%") }

// readIssuer reads the address of a gateway as people type it: without its scheme, or
// with a slash at its end.
func readIssuer(typed string) (string, error) {
	text := strings.TrimSpace(typed)
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	switch {
	case len(typed) > maxIssuer || err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "",
		u.Scheme != "https" && u.Scheme != "http", strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || !unicode.IsPrint(r) }):
		return "", complain("gateway_not_address")
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	issuer := strings.TrimSuffix(u.String(), "/")
	if len(issuer) > maxIssuer { // with its escapes
		return "", complain("gateway_not_address")
	}
	return issuer, nil
}

// gatewayComplaint says in a sentence what oauthdevice.Discover has found, nil for a
// gateway.
func gatewayComplaint(err error, issuer string) error {
	if err == nil {
		return nil
	}
	key := "gateway_silent"
	if e, ok := errors.AsType[*oauthdevice.Error](err); ok && e.HTTPStatus != 0 && e.HTTPStatus < http.StatusInternalServerError || errors.Is(err, oauthdevice.ErrMetadata) {
		key = "gateway_other"
	}
	return complain(key, "address", issuer)
}
