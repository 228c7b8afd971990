package oauthtest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	g "maragu.dev/gomponents"
)

// UserCode returns the newest pending user code, or "".
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

// State returns the contents of the state field of the newest code.
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

// maxDisplayName bounds, in characters, a displayName that the server accepts.
const maxDisplayName = 100

// acceptsState reports whether the server accepts the contents of a state field.
func acceptsState(state string) bool {
	_, name := (&code{state: state}).readState()
	return utf8.RuneCountInString(name) <= maxDisplayName
}

// Approve simulates that the person approves a code, except for the scopes in
// without. It reports whether the code was pending.
func (s *Server) Approve(userCode string, without ...string) bool {
	return s.ApproveAs(userCode, "person", without...)
}

// ApproveAs is like Approve for a person of that name.
func (s *Server) ApproveAs(userCode, person string, without ...string) bool {
	return s.settle(userCode, func(c *code) {
		c.decision, c.person = approved, person
		c.scopes = slices.DeleteFunc(slices.Clone(c.scopes), func(sc string) bool { return slices.Contains(without, sc) })
	})
}

// Deny simulates that the person declines. It reports whether the code was
// pending.
func (s *Server) Deny(userCode string) bool {
	return s.settle(userCode, func(c *code) { c.decision = denied })
}

// Refuse makes polls return an error code such as org_internal. It reports
// whether the code was pending.
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

// find returns a pending code, or nil.
func (s *Server) find(userCode string) *code {
	i := slices.IndexFunc(s.codes, func(c *code) bool {
		return c.user == userCode && c.decision == pending && time.Now().Before(c.expires)
	})
	if i < 0 {
		return nil
	}
	return s.codes[i]
}

// RevokeAll revokes every token, as people can in their Google account.
func (s *Server) RevokeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revokeLocked(func(*token) bool { return true })
}

// RevokePerson revokes every token of one person.
func (s *Server) RevokePerson(person string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revokeLocked(func(t *token) bool { return t.person == person })
}

// ExpireAccess expires every access token. Refresh tokens stay valid.
func (s *Server) ExpireAccess() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.access {
		t.expires = time.Now()
	}
}

// Check validates an access token on behalf of an API. owner names the person
// and the client, both of which own a picking session. problem is "",
// "unauthenticated" or "scope".
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

// devicePage serves the page on the phone: entering the code, then confirming
// it.
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

// decide serves the decision on the confirmation page.
func (s *Server) decide(w http.ResponseWriter, r *http.Request) {
	user := r.FormValue("user_code")
	switch r.FormValue("decision") {
	case "allow", "guest":
		next := s.continueURL(user)
		person := map[string]string{"allow": "person", "guest": "guest"}[r.FormValue("decision")]
		if s.ApproveAs(user, person) {
			render(w, connectedPage(next))
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

// continueURL returns the address to which the phone is sent after it approves a
// code, or "". The page redirects without asking, so only http(s) is allowed.
func (s *Server) continueURL(userCode string) string {
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
