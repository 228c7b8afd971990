package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"pickerd/oauthdevice"
)

// callback serves the authorization response (RFC 6749 §4.1.2). Its state is used
// up, whatever else is wrong with it.
func (s *Server) callback(w http.ResponseWriter, r *http.Request) error {
	f, ok := parseForm(r.URL.RawQuery)
	if !ok || !isSecret(f["state"], stateBytes) || r.Method != http.MethodGet {
		return errMalformed
	}
	request, err := s.take(r.Context(), f["state"])
	switch {
	case errors.Is(err, ErrNotFound):
		return errLinkUsed
	case err != nil:
		return err
	}
	// An attacker may confirm the code of a screen and send the consent page to
	// somebody else. The cookie stops that: it is in the attacker's browser.
	c, ok := s.readCookie(r)
	if !ok || !request.Browser.holds(c) {
		return errOtherBrowser
	}
	if !s.isIssuer(f) {
		s.upstreamFailed(errors.New("authorization response of another issuer"))
		return errUpstream
	}
	in, err := s.load(r.Context(), request.Device)
	switch {
	case errors.Is(err, ErrNotFound):
		return errLinkExpired
	case err != nil:
		return err
	case in.Status != pending:
		return errLinkUsed
	}
	if code := f["error"]; code != "" {
		return s.refused(r.Context(), in, code)
	}
	if f["code"] == "" {
		return errUpstream
	}
	verifier, err := open(f["state"], forVerifier, request.Device, request.Verifier)
	if err != nil {
		return err
	}
	in.Browser = &request.Browser
	if err := s.exchange(r.Context(), in, oauthdevice.Secret(f["code"]), oauthdevice.Secret(verifier)); err != nil {
		return err
	}
	http.Redirect(w, r, s.at(waitPath), http.StatusSeeOther)
	return nil
}

// isIssuer reports whether an authorization response is from the upstream server
// (RFC 9207 §2.4, RFC 9700 §4.4).
func (s *Server) isIssuer(f form) bool {
	iss, sent := f["iss"]
	if s.upstream.Issuer == "" || !sent && !s.upstream.IssuerRequired {
		return true
	}
	return iss == s.upstream.Issuer
}

// refused ends a sign-in that the person or an administrator refused. After any
// other error it stays open, so that the person can scan again.
func (s *Server) refused(ctx context.Context, in *signIn, code string) error {
	e := oauthdevice.NewAuthorizationError(code)
	outcome, ok := map[string]message{
		oauthdevice.AccessDenied:        msgDenied,
		oauthdevice.AdminPolicyEnforced: msgAdminPolicy,
		oauthdevice.OrgInternal:         msgOrgInternal,
	}[e.Code]
	if !ok {
		s.upstreamFailed(e)
		return errUpstream
	}
	in.Status = denied
	if e.Code != oauthdevice.AccessDenied {
		in.Description = e.Code
	}
	if err := s.decide(ctx, in); err != nil {
		return err
	}
	s.metrics.Code("declined")
	return &pageError{status: http.StatusOK, message: outcome}
}

// exchange obtains a token and seals it for the box.
func (s *Server) exchange(ctx context.Context, in *signIn, code, verifier oauthdevice.Secret) error {
	var t *oauthdevice.TokenResponse
	err := s.callUpstream(ctx, func(ctx context.Context) (err error) {
		t, err = s.upstream.Client.ExchangeResponse(ctx, code, s.at(callbackPath), verifier)
		return err
	})
	if errors.Is(err, errBusy) {
		return &pageError{status: http.StatusServiceUnavailable, message: msgBusy}
	}
	if e, ok := upstreamError(err); ok {
		if e.Code == oauthdevice.AdminPolicyEnforced || e.Code == oauthdevice.OrgInternal {
			return s.refused(ctx, in, e.Code)
		}
		s.upstreamFailed(e)
		return errUpstream
	}
	if err != nil {
		return err
	}
	if !s.mayGrant(t) {
		s.upstreamFailed(errors.New("token with scopes that are not configured"))
		return errUpstream
	}
	granted := &oauthdevice.Token{Scopes: t.Scopes(in.Scopes)}
	if len(granted.MissingScopes(in.Scopes)) > 0 {
		return &pageError{status: http.StatusOK, message: msgScopeMissing}
	}
	plain, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if in.Answer, err = sealTo(in.Key, forAnswer, in.device, plain); err != nil {
		return err
	}
	in.Status, in.Approved = approved, s.now().Unix()
	if err := s.decide(ctx, in); err != nil {
		return err
	}
	s.metrics.Code("approved")
	return nil
}

// decide saves the outcome of a sign-in. It does so even if the phone has hung up.
func (s *Server) decide(ctx context.Context, in *signIn) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxSaveTime)
	defer cancel()
	err := s.save(ctx, in)
	switch {
	case errors.Is(err, ErrChanged):
		return errLinkUsed // another person was faster
	case errors.Is(err, ErrNotFound):
		return errLinkExpired
	case err != nil:
		return err
	}
	_ = s.store.Leave(ctx, pendingSet(in.Client), in.device) // or it expires
	return nil
}
