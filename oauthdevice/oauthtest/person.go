package oauthtest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	g "maragu.dev/gomponents"
)

// UserCode returns the newest code that waits for a decision, "" without one.
func (s *Server) UserCode() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range slices.Backward(s.codes) {
		if c.decision == pending && time.Now().Before(c.expires) {
			return c.user
		}
	}
	return ""
}

// State returns what came in the state field with the newest code.
func (s *Server) State() (requestID, displayName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.codes) == 0 {
		return "", ""
	}
	return s.codes[len(s.codes)-1].readState()
}

func (c *code) readState() (requestID, displayName string) {
	var v struct{ RequestID, DisplayName string }
	if json.Unmarshal([]byte(c.state), &v) != nil {
		return "", ""
	}
	return v.RequestID, v.DisplayName
}

// Approve gives the device what it asked for, except the scopes in without. It
// reports whether the code was good.
func (s *Server) Approve(userCode string, without ...string) bool {
	return s.ApproveAs(userCode, "person", without...)
}

// ApproveAs is Approve by somebody of that name.
func (s *Server) ApproveAs(userCode, person string, without ...string) bool {
	return s.settle(userCode, func(c *code) {
		c.decision, c.person = approved, person
		c.scopes = slices.DeleteFunc(slices.Clone(c.scopes), func(sc string) bool { return slices.Contains(without, sc) })
	})
}

// Deny declines.
func (s *Server) Deny(userCode string) bool {
	return s.settle(userCode, func(c *code) { c.decision = denied })
}

// Refuse lets the next poll answer an error code such as org_internal.
func (s *Server) Refuse(userCode, errorCode string) bool {
	return s.settle(userCode, func(c *code) { c.refusal = errorCode })
}

func (s *Server) settle(userCode string, f func(*code)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.find(userCode)
	if c == nil {
		return false
	}
	f(c)
	return true
}

// find returns a code that waits for a decision.
func (s *Server) find(userCode string) *code {
	i := slices.IndexFunc(s.codes, func(c *code) bool {
		return c.user == userCode && c.decision == pending && time.Now().Before(c.expires)
	})
	if i < 0 {
		return nil
	}
	return s.codes[i]
}

// RevokeAll ends every token, as the person would in their Google account.
func (s *Server) RevokeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revokeLocked(func(*token) bool { return true })
}

// RevokePerson ends every token of one person.
func (s *Server) RevokePerson(person string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revokeLocked(func(t *token) bool { return t.person == person })
}

// ExpireAccess ends every access token before its time; refresh tokens stay.
func (s *Server) ExpireAccess() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.access {
		t.expires = time.Now()
	}
}

// Check tells an API on whose behalf, and for which client, a request comes: a
// session belongs to both. problem is "" for a good token, "unauthenticated" or
// "scope" otherwise.
func (s *Server) Check(access string) (owner, problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.access[access]
	switch {
	case t == nil, t.revoked, !time.Now().Before(t.expires):
		return "", "unauthenticated"
	case !slices.Contains(t.scopes, PickerScope):
		return t.owner(), "scope"
	}
	t.used()
	return t.owner(), ""
}

func (t *token) owner() string { return t.person + " by " + t.client.id }

// devicePage is what the person's phone shows: the code to confirm, then
// whether to allow.
func (s *Server) devicePage(w http.ResponseWriter, r *http.Request) {
	user := strings.TrimSpace(r.FormValue("user_code"))
	s.mu.Lock()
	c := s.find(user)
	var name string
	if c != nil {
		_, name = c.readState()
	}
	s.mu.Unlock()
	if c == nil {
		render(w, enterCodePage(user != ""))
		return
	}
	render(w, confirmPage(user, name))
}

func (s *Server) decide(w http.ResponseWriter, r *http.Request) {
	user := r.FormValue("user_code")
	switch r.FormValue("decision") {
	case "allow", "guest":
		onward := s.onward(user)
		person := map[string]string{"allow": "person", "guest": "guest"}[r.FormValue("decision")]
		if s.ApproveAs(user, person) {
			render(w, connectedPage(onward))
			return
		}
	case "deny":
		if s.Deny(user) {
			render(w, declinedPage())
			return
		}
	}
	render(w, lateCodePage())
}

// onward is where the phone goes on after it approved a code. That is nowhere
// but an http(s) address: the page goes there by itself.
func (s *Server) onward(userCode string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.find(userCode)
	if c == nil || s.opt.ContinueURL == "" {
		return ""
	}
	requestID, _ := c.readState()
	to, err := url.Parse(s.opt.ContinueURL + url.PathEscape(requestID))
	if err != nil || to.Scheme != "http" && to.Scheme != "https" {
		return ""
	}
	return to.String()
}

func render(w http.ResponseWriter, page g.Node) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	page.Render(w)
}
