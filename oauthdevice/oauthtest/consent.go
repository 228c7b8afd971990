package oauthtest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// authCodeLife is how long an authorization code is valid.
const authCodeLife = 10 * time.Minute

// A grantRequest is a valid authorization request.
type grantRequest struct {
	client    *client
	redirect  *url.URL
	scopes    []string
	state     string
	challenge string
	again     bool // prompt=consent
}

type authCode struct {
	grantRequest
	person  string
	expires time.Time
	used    bool
}

// A consentError is an error that Google shows instead of the consent page,
// without redirecting to the client.
type consentError struct {
	status        int
	code, message string
}

func (e *consentError) Error() string {
	return fmt.Sprintf("Error %d: %s. %s", e.status, e.code, e.message)
}

// consent validates an authorization request (RFC 6749 §4.1.1).
func (s *Server) consent(q url.Values) (*grantRequest, error) {
	c := s.clientByID(q.Get("client_id"))
	if c == nil {
		return nil, &consentError{401, "invalid_client", "The OAuth client was not found."}
	}
	to, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case c.kind == TV:
		return nil, &consentError{400, "invalid_request", "Localhost URI is not allowed for 'NATIVE_DEVICE' client type."}
	case err != nil, !c.mayRedirect(q.Get("redirect_uri")):
		return nil, &consentError{400, "redirect_uri_mismatch", "You can't sign in to this app because it doesn't comply with Google's OAuth 2.0 policy."}
	case q.Get("response_type") != "code":
		return nil, &consentError{400, "invalid_request", "Invalid response_type: " + q.Get("response_type")}
	case q.Get("code_challenge") != "" && q.Get("code_challenge_method") != "S256":
		return nil, &consentError{400, "invalid_request", "Invalid code_challenge_method"}
	}
	return &grantRequest{client: c, redirect: to, scopes: strings.Fields(q.Get("scope")), state: q.Get("state"),
		challenge: q.Get("code_challenge"), again: q.Get("prompt") == "consent"}, nil
}

// redirectWith returns the redirect URI with a parameter and the state.
func (g *grantRequest) redirectWith(key, value string) string {
	to := *g.redirect
	q := to.Query()
	q.Set(key, value)
	q.Set("state", g.state)
	to.RawQuery = q.Encode()
	return to.String()
}

// Allow simulates that a person consents on the page at authURL, except to the
// scopes in without. It returns the address to which the browser is redirected.
func (s *Server) Allow(authURL, person string, without ...string) (string, error) {
	g, err := s.consentAt(authURL)
	if err != nil {
		return "", err
	}
	g.scopes = slices.DeleteFunc(g.scopes, func(sc string) bool { return slices.Contains(without, sc) })
	return s.allow(g, person), nil
}

// Decline simulates that a person refuses on the page at authURL. It returns the
// address to which the browser is redirected.
func (s *Server) Decline(authURL string) (string, error) {
	g, err := s.consentAt(authURL)
	if err != nil {
		return "", err
	}
	return g.redirectWith("error", "access_denied"), nil
}

func (s *Server) consentAt(authURL string) (*grantRequest, error) {
	u, err := url.Parse(authURL)
	if err != nil {
		return nil, err
	}
	return s.consent(u.Query())
}

func (s *Server) allow(g *grantRequest, person string) string {
	if s.opt.RefuseCodeScope {
		return g.redirectWith("error", "invalid_scope")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	code := "4/" + Mark + rand.Text()
	s.authCodes[code] = &authCode{grantRequest: *g, person: person, expires: time.Now().Add(authCodeLife)}
	return g.redirectWith("code", code)
}

// consentPages serves the pages of the code flow: choosing an account, then
// consenting.
func (s *Server) consentPages(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	q := r.URL.Query()
	g, err := s.consent(q)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		blockedPage(err.Error()).Render(w)
		return
	}
	person := r.FormValue("person")
	switch r.FormValue("decision") {
	case "allow":
		g.scopes = slices.DeleteFunc(g.scopes, func(sc string) bool { return !slices.Contains(r.PostForm["scope"], sc) })
		http.Redirect(w, r, s.allow(g, person), http.StatusSeeOther)
		return
	case "deny":
		http.Redirect(w, r, g.redirectWith("error", "access_denied"), http.StatusSeeOther)
		return
	}
	if person == "" {
		accountsPage().Render(w)
		return
	}
	consentPage(person, g.scopes).Render(w)
}

// exchange serves the exchange of a code (RFC 6749 §4.1.3, RFC 7636 §4.6).
func (s *Server) exchange(a *recorder, r *http.Request) {
	c := s.checkClient(a, r, OpExchange)
	if c == nil {
		return
	}
	code := s.authCodes[r.FormValue("code")]
	switch {
	case code == nil, code.client != c, code.used:
		a.refuse(http.StatusBadRequest, "invalid_grant", "Malformed auth code.")
	case !time.Now().Before(code.expires):
		a.refuse(http.StatusBadRequest, "invalid_grant", "Code has expired.")
	case code.redirect.String() != r.FormValue("redirect_uri"):
		a.refuse(http.StatusBadRequest, "redirect_uri_mismatch", "Bad Request")
	case code.challenge != "" && challengeOf(r.FormValue("code_verifier")) != code.challenge:
		a.refuse(http.StatusBadRequest, "invalid_grant", "Invalid code verifier.")
	default:
		code.used = true
		key := code.person + " " + c.id
		// Google returns a refresh token only for the first consent or with
		// prompt=consent.
		first := !s.consented[key]
		s.consented[key] = true
		s.issueToken(a, &token{person: code.person, client: c, scopes: code.scopes}, first || code.again)
	}
}

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
