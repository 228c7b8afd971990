package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"pickerd/oauthdevice"
)

// token serves the token endpoint (RFC 8628 §3.4, RFC 6749 §6).
func (s *Server) token(r *http.Request, f form) (any, error) {
	switch f["grant_type"] {
	case grantDeviceCode:
		return s.poll(r, f)
	case grantRefreshToken:
		answer, err := s.refresh(r, f)
		s.metrics.Refresh(refreshLabel(err))
		return answer, err
	case "":
		return nil, refuse(oauthdevice.InvalidRequest, "grant_type is missing")
	}
	return nil, refuse(oauthdevice.UnsupportedGrantType, "the grant types are device_code and refresh_token")
}

// poll serves a device access token request. It never writes to the store.
func (s *Server) poll(r *http.Request, f form) (any, error) {
	c, deviceCode, err := s.deviceRequest(r, f)
	if err != nil {
		return nil, err
	}
	now, device := s.now(), digest(deviceCode)
	if s.limits.polls.tooFast(device, now) {
		return nil, refuse(oauthdevice.SlowDown, "")
	}
	in, err := s.find(r.Context(), c, device)
	if errors.Is(err, errExpired) {
		s.metrics.Code("expired")
	}
	if err != nil {
		return nil, err
	}
	switch {
	case in.Status == denied:
		return nil, refuse(oauthdevice.AccessDenied, in.Description)
	case in.Status == pending:
		return nil, refuse(oauthdevice.AuthorizationPending, "")
	case in.Answer == nil:
		return nil, refuse(oauthdevice.InvalidGrant, "the token was received before")
	}
	answer, err := in.open(deviceCode, now)
	if err != nil {
		return nil, err
	}
	if s.limits.polls.first(device) {
		s.metrics.Handover(now.Sub(time.Unix(in.Created, 0)))
	}
	return answer, nil
}

// deviceRequest returns the client and the device_code of a request.
func (s *Server) deviceRequest(r *http.Request, f form) (*client, string, error) {
	c, err := s.authenticate(r, f)
	if err != nil {
		return nil, "", err
	}
	switch code := f["device_code"]; {
	case code == "":
		return nil, "", refuse(oauthdevice.InvalidRequest, "device_code is missing")
	case !isSecret(code, deviceCodeBytes):
		return nil, "", refuse(oauthdevice.InvalidGrant, "malformed device_code")
	default:
		return c, code, nil
	}
}

var errExpired = &refusal{code: oauthdevice.ExpiredToken}

// find returns a client's sign-in. The store forgets a code when it expires, so one
// that it does not know counts as expired.
func (s *Server) find(ctx context.Context, c *client, device string) (*signIn, error) {
	in, err := s.load(ctx, device)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, errExpired
	case err != nil:
		return nil, err
	case in.Client != c.id:
		return nil, refuse(oauthdevice.InvalidGrant, "the device_code was issued to another client")
	}
	return in, nil
}

// open returns the answer as it is now: its expires_in counts from when the token
// was issued.
func (in *signIn) open(deviceCode string, now time.Time) (*oauthdevice.TokenResponse, error) {
	plain, err := openAs(deviceCode, forAnswer, in.device, in.Answer)
	if err != nil {
		return nil, err
	}
	var answer oauthdevice.TokenResponse
	if err := json.Unmarshal(plain, &answer); err != nil {
		return nil, err
	}
	if answer.ExpiresIn > 0 {
		passed := now.Unix() - in.Approved
		answer.ExpiresIn = max(answer.ExpiresIn-max(passed, 0), 1)
	}
	return &answer, nil
}

// identityScopes only identify the person. Google returns two of them under longer
// names, and openid with each of the others.
var identityScopes = []string{"openid", "email", "profile",
	"https://www.googleapis.com/auth/userinfo.email", "https://www.googleapis.com/auth/userinfo.profile"}

// mayGrant reports whether a token has no scopes but the configured ones.
func (s *Server) mayGrant(t *oauthdevice.TokenResponse) bool {
	configured := s.upstream.Client.Scopes
	isIdentity := func(scope string) bool { return slices.Contains(identityScopes, scope) }
	identifies := slices.ContainsFunc(configured, isIdentity)
	return !slices.ContainsFunc(t.Scopes(nil), func(scope string) bool {
		return !slices.Contains(configured, scope) && !(identifies && isIdentity(scope))
	})
}

// refresh passes a refresh on (RFC 6749 §6). Nothing of the box's request but the
// refresh token and the scope reaches the upstream server.
func (s *Server) refresh(r *http.Request, f form) (any, error) {
	now := s.now()
	if !s.limits.refreshes.allow(s.clientPrefix(r), now) {
		return nil, errBusy
	}
	c, err := s.authenticate(r, f)
	if err != nil {
		return nil, err
	}
	if !s.limits.clientRefreshes.allow(c.id, now) {
		return nil, errBusy
	}
	if f["refresh_token"] == "" {
		return nil, refuse(oauthdevice.InvalidRequest, "refresh_token is missing")
	}
	scopes, err := s.scopes(f["scope"])
	if err != nil {
		return nil, err
	}
	var t *oauthdevice.TokenResponse
	err = s.callUpstream(r.Context(), func(ctx context.Context) (err error) {
		t, err = s.upstream.Client.RefreshResponse(ctx, oauthdevice.Secret(f["refresh_token"]), scopes)
		return err
	})
	if err != nil {
		return nil, s.passOn(err)
	}
	if !s.mayGrant(t) {
		return nil, refuse(oauthdevice.InvalidScope, "the token has scopes that this gateway does not offer")
	}
	return t, nil
}

// revoke passes a revocation on (RFC 7009).
func (s *Server) revoke(r *http.Request, f form) (any, error) {
	if !s.limits.refreshes.allow(s.clientPrefix(r), s.now()) {
		return nil, errBusy
	}
	if _, err := s.authenticate(r, f); err != nil {
		return nil, err
	}
	if f["token"] == "" {
		return nil, refuse(oauthdevice.InvalidRequest, "token is missing")
	}
	err := s.callUpstream(r.Context(), func(ctx context.Context) error {
		return s.upstream.Client.Revoke(ctx, oauthdevice.Secret(f["token"]))
	})
	if err != nil {
		return nil, s.passOn(err)
	}
	return struct{}{}, nil
}

// passOn returns what a box is told of an error of the upstream server. Only what
// says that a grant is lost ends it; trouble between the two servers does not.
func (s *Server) passOn(err error) error {
	e, ok := upstreamError(err)
	if !ok {
		return err // too many requests
	}
	if !e.Temporary() {
		switch e.Code {
		case oauthdevice.InvalidGrant, oauthdevice.InvalidScope:
			return &refusal{code: e.Code, description: describe(e.Description), subtype: describe(e.Subtype)}
		case oauthdevice.UnauthorizedClient, oauthdevice.AccessDenied, oauthdevice.AdminPolicyEnforced, oauthdevice.OrgInternal:
			// The grant is another client's (RFC 6749 §5.2), or no longer wanted.
			return refuse(oauthdevice.InvalidGrant, describe(e.Code+" "+e.Description))
		}
	}
	s.upstreamFailed(e)
	return &refusal{status: http.StatusServiceUnavailable, code: temporarilyUnavailable,
		description: "the authorization server behind this gateway is unavailable", retryAfter: max(e.RetryAfter, retryAfter)}
}

// refreshLabel names the answer to a refresh. The number of names is bounded.
func refreshLabel(err error) string {
	if err == nil {
		return "ok"
	}
	if e, ok := errors.AsType[*refusal](err); ok {
		return e.code
	}
	return temporarilyUnavailable
}
