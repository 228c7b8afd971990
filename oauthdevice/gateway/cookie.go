package gateway

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"time"
)

// A cookie ties a sign-in to the browser in which a person confirmed its code. Its
// value is the digest of the device_code, a dot and a secret.
type cookie string

const (
	cookieBytes = 32
	cookieLife  = codeLife + answerLife
)

func newCookie(device string) cookie { return cookie(device + "." + newSecret(cookieBytes)) }

// device returns the digest of the device_code.
func (c cookie) device() string {
	device, _, _ := strings.Cut(string(c), ".")
	return device
}

func (c cookie) sum() []byte {
	sum := sha256.Sum256([]byte(c))
	return sum[:]
}

// browser returns what is stored of a browser.
func (c cookie) browser(l label) (*browser, error) {
	key, err := publicKey(string(c), forContinue)
	if err != nil {
		return nil, err
	}
	sealed, err := sealLabel(string(c), c.device(), l)
	if err != nil {
		return nil, err
	}
	return &browser{Cookie: c.sum(), Key: key, Label: sealed}, nil
}

// cookieName returns the name of the cookie. With the prefix, no other host of the
// domain can set it, nor a page without TLS.
func (s *Server) cookieName() string {
	if s.issuer.Scheme == "https" {
		return "__Host-pickerd"
	}
	return "pickerd-gateway"
}

func (s *Server) setCookie(w http.ResponseWriter, c cookie) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(), Value: string(c), Path: "/", MaxAge: int(cookieLife / time.Second),
		Secure: s.issuer.Scheme == "https", HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // sent when the consent page leads back here
	})
}

// readCookie returns the cookie of a request.
func (s *Server) readCookie(r *http.Request) (cookie, bool) {
	found := r.CookiesNamed(s.cookieName())
	if len(found) != 1 {
		return "", false
	}
	device, secret, ok := strings.Cut(found[0].Value, ".")
	if !ok || len(device) != 2*sha256.Size || !isSecret(secret, cookieBytes) {
		return "", false
	}
	return cookie(found[0].Value), true
}
