package oauthdevice

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"pickerd/oauthdevice/httperror"
)

var errNoAccessToken = errors.New("no access_token")

// A TokenResponse is a successful response of a token endpoint (RFC 6749 §5.1)
// as the server sent it, for a program that passes it on. It has the members of
// that section and the ID token (OpenID Connect Core §3.1.3.3). Whatever else
// the server sent is dropped.
type TokenResponse struct {
	AccessToken  Secret  `json:"access_token"`
	TokenType    string  `json:"token_type"`
	ExpiresIn    int64   `json:"expires_in,omitempty"`
	RefreshToken Secret  `json:"refresh_token,omitempty"`
	Scope        *string `json:"scope,omitempty"` // nil means as requested
	IDToken      Secret  `json:"id_token,omitempty"`
}

// Scopes returns the granted scopes, or requested if the response does not say.
func (r *TokenResponse) Scopes(requested []string) []string {
	if r.Scope == nil {
		return requested
	}
	return strings.Fields(*r.Scope)
}

// ExchangeResponse is like Exchange and returns the response as it was sent.
func (c *Client) ExchangeResponse(ctx context.Context, code Secret, redirectURI string, verifier Secret) (*TokenResponse, error) {
	return c.requestToken(ctx, "exchange", url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {string(code)},
		"redirect_uri":  {redirectURI},
		"code_verifier": {string(verifier)},
	}, c.Secret, code, verifier)
}

// RefreshResponse is like Refresh and returns the response as it was sent, so
// that it has a refresh token only if the server issued a new one. Unless scopes
// is empty, the new token is to have only these (RFC 6749 §6).
func (c *Client) RefreshResponse(ctx context.Context, refresh Secret, scopes []string) (*TokenResponse, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {string(refresh)}}
	if len(scopes) > 0 {
		form.Set("scope", strings.Join(scopes, " "))
	}
	return c.requestToken(ctx, "refresh", form, c.Secret, refresh)
}

// requestToken sends a form to the token endpoint. secrets are those that the
// server may echo.
func (c *Client) requestToken(ctx context.Context, op string, form url.Values, secrets ...Secret) (*TokenResponse, error) {
	tr := &transport{authorization: c.basicAuth()}
	if !c.BasicAuth {
		form.Set("client_id", c.ID)
		if c.Secret != "" {
			form.Set("client_secret", string(c.Secret))
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, &Error{Op: op, Err: httperror.WithoutURL(err)}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := tr.send(req, c.HTTP)
	if err != nil {
		return nil, newError(op, err, tr, secrets...)
	}
	var answer struct {
		TokenResponse
		Description string `json:"error_description"`
	}
	malformed := json.Unmarshal(tr.body, &answer) != nil || answer.AccessToken == ""
	if code := tr.errorCode(); code != "" || !tr.ok() {
		refusal := &oauth2.RetrieveError{Response: resp, Body: tr.body, ErrorCode: code, ErrorDescription: answer.Description}
		return nil, newError(op, refusal, tr, secrets...)
	}
	if malformed {
		return nil, newError(op, errNoAccessToken, tr, secrets...)
	}
	answer.TokenType = cmp.Or(answer.TokenType, "Bearer")
	answer.ExpiresIn = max(answer.ExpiresIn, 0)
	return &answer.TokenResponse, nil
}
