package oauthdevice

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"

	"golang.org/x/oauth2"
)

// NewVerifier returns a code_verifier (RFC 7636 §4.1). It must not leave the
// box but in Exchange.
func NewVerifier() Secret { return Secret(oauth2.GenerateVerifier()) }

// AuthCodeURL returns the address of the consent page for a person who signs in
// on another device or in another program (RFC 6749 §4.1.1), with a challenge
// for verifier (RFC 7636, S256). It asks for a refresh token even of somebody
// who has agreed before: Google then gives none unless consent is asked again.
func (c *Client) AuthCodeURL(redirectURI, state string, verifier Secret) string {
	cfg := c.config()
	cfg.RedirectURL = redirectURI
	return cfg.AuthCodeURL(state, oauth2.AccessTypeOffline, oauth2.SetAuthURLParam("prompt", "consent"),
		oauth2.S256ChallengeOption(string(verifier)))
}

// Exchange trades an authorization code for a token (RFC 6749 §4.1.3).
// redirectURI and verifier are those that AuthCodeURL was called with. The error
// is an *Error; with ErrBrokenAnswer the code may be spent.
func (c *Client) Exchange(ctx context.Context, code Secret, redirectURI string, verifier Secret) (*Token, error) {
	w := &wire{}
	cfg := c.config()
	cfg.RedirectURL = redirectURI
	t, err := cfg.Exchange(w.bind(ctx, c.HTTP), string(code), oauth2.VerifierOption(string(verifier)))
	if err != nil {
		return nil, fail("exchange", err, w, c.Secret, code, verifier)
	}
	return c.token(t), nil
}

// account reads the e-mail address from an ID token. Its signature need not be
// checked where, as here, the token comes from the token endpoint itself
// (OpenID Connect Core §3.1.3.7); it is for show only.
func account(idToken string) string {
	parts := strings.Split(idToken, ".")
	if len(parts) != 3 {
		return ""
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Email string `json:"email"`
	}
	if json.Unmarshal(data, &claims) != nil {
		return ""
	}
	return printable(claims.Email, nil)
}

// Declined is the error that an authorization response carries instead of a code
// (RFC 6749 §4.1.2.1). code came by way of a browser and may be anything.
func Declined(code string) *Error {
	return &Error{Op: "authorization", Code: printable(code, nil)}
}
