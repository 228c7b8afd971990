package oauthtest

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
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
	return s.settle(userCode, func(c *code) {
		c.decision = approved
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

//go:embed device.html
var deviceHTML string

var devicePage = template.Must(template.New("device").Parse(deviceHTML))

type deviceView struct {
	Code, Name string
	Found      bool
	Typed      bool
	Outcome    string
	Onward     string
}

// devicePage is what the person's phone shows: the code to confirm, then
// whether to allow.
func (s *Server) devicePage(w http.ResponseWriter, r *http.Request) {
	v := deviceView{Code: strings.TrimSpace(r.FormValue("user_code"))}
	v.Typed = v.Code != ""
	s.mu.Lock()
	if c := s.find(v.Code); c != nil {
		v.Found = true
		_, v.Name = c.readState()
	}
	s.mu.Unlock()
	render(w, v)
}

func (s *Server) decide(w http.ResponseWriter, r *http.Request) {
	user := r.FormValue("user_code")
	v := deviceView{Code: user, Outcome: "gone"}
	switch r.FormValue("decision") {
	case "allow":
		onward := s.onward(user)
		if s.Approve(user) {
			v.Outcome, v.Onward = "allowed", onward
		}
	case "deny":
		if s.Deny(user) {
			v.Outcome = "denied"
		}
	}
	render(w, v)
}

// onward is where the phone goes on after it approved a code.
func (s *Server) onward(userCode string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.find(userCode)
	if c == nil || s.opt.Onward == "" {
		return ""
	}
	requestID, _ := c.readState()
	return s.opt.Onward + url.PathEscape(requestID)
}

func render(w http.ResponseWriter, v deviceView) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	devicePage.Execute(w, v)
}
