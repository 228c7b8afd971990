package oauthtest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// issueToken sends a new access token and, if withRefresh is set, the refresh
// token.
func (s *Server) issueToken(a *recorder, t *token, withRefresh bool) {
	t.expires = time.Now().Add(s.opt.TokenLife)
	access := "ya29." + Mark + rand.Text()
	s.access[access] = t
	if t.refresh == "" {
		t.refresh = "1//" + Mark + rand.Text()
		s.refresh[t.refresh] = t
	}
	out := map[string]any{
		"access_token": access,
		"expires_in":   s.number(s.opt.TokenLife),
		"scope":        strings.Join(granted(t.scopes), " "),
		"token_type":   "Bearer",
	}
	if withRefresh {
		out["refresh_token"] = t.refresh
	}
	if slices.Contains(t.scopes, "openid") && !s.opt.NoIDToken {
		out["id_token"] = idToken(t)
	}
	reply(a, http.StatusOK, out)
}

func (s *Server) refreshToken(a *recorder, r *http.Request) {
	client := s.checkClient(a, r, OpRefresh)
	if client == nil {
		return
	}
	old := s.refresh[r.FormValue("refresh_token")]
	if old == nil || old.revoked || old.client != client {
		a.refuse(http.StatusBadRequest, "invalid_grant", "Token has been expired or revoked.")
		return
	}
	if old.reauth {
		a.refuseReauth()
		return
	}
	t := &token{person: old.person, client: client, scopes: old.scopes, refresh: old.refresh}
	old.used()
	switch {
	case s.opt.RotateOverlap:
		t.before, t.refresh = old, ""
	case s.opt.RotateRefresh:
		old.revoked, t.refresh = true, ""
	default:
		s.refresh[t.refresh] = t
	}
	s.issueToken(a, t, s.opt.RotateRefresh || s.opt.RotateOverlap || s.opt.RepeatRefresh)
}

// used revokes the token that t replaces, because the client has received t.
func (t *token) used() {
	if t.before != nil {
		t.before.revoked, t.before = true, nil
	}
}

func (s *Server) revoke(a *recorder, r *http.Request) {
	v := r.FormValue("token")
	t := s.refresh[v]
	if t == nil {
		t = s.access[v]
	}
	if t == nil || t.revoked {
		a.refuse(http.StatusBadRequest, "invalid_token", "Token expired or revoked")
		return
	}
	// Revocation covers all of the person's tokens in the project.
	s.revokeLocked(func(o *token) bool { return o.person == t.person })
	reply(a, http.StatusOK, struct{}{})
}

func (s *Server) revokeLocked(which func(*token) bool) {
	for _, list := range []map[string]*token{s.access, s.refresh} {
		for _, t := range list {
			if which(t) {
				t.revoked = true
			}
		}
	}
}

// granted returns scopes as Google sends them: email and profile have longer
// names.
func granted(scopes []string) []string {
	out := slices.Clone(scopes)
	for i, s := range out {
		if s == "email" || s == "profile" {
			out[i] = "https://www.googleapis.com/auth/userinfo." + s
		}
	}
	return out
}

// claims returns the claims about the person that the scopes allow.
func (t *token) claims() map[string]string {
	c := map[string]string{"sub": t.person}
	if slices.Contains(t.scopes, "email") {
		c["email"] = t.person + "@example.org"
	}
	return c
}

func (s *Server) userinfo(a *recorder, r *http.Request) {
	t := s.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if t == nil || t.revoked || !time.Now().Before(t.expires) || !slices.Contains(t.scopes, "openid") {
		a.refuse(http.StatusUnauthorized, "invalid_request", "Invalid Credentials")
		return
	}
	reply(a, http.StatusOK, t.claims())
}

// idToken returns an ID token with an invalid signature.
func idToken(t *token) string {
	claims := t.claims()
	claims["iss"], claims["aud"] = "https://accounts.google.com", t.client.id
	body, err := json.Marshal(claims)
	if err != nil {
		panic(err) // strings can be marshalled
	}
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"RS256"}`)) + "." + enc(body) + "." + enc([]byte(Mark))
}
