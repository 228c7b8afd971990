package oauthtest

import (
	"io"
	"net/http"
	"slices"
)

// Fail queues responses for an operation. Each replaces one real response.
func (s *Server) Fail(op string, responses ...http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[op] = append(s.faults[op], responses...)
}

// ClearFaults drops the responses that Fail queued for an operation.
func (s *Server) ClearFaults(op string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.faults, op)
}

// RateLimited sends Google's response to too many requests for codes, which has
// "error_code" instead of "error". It is for Fail.
func RateLimited(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusForbidden, map[string]string{"error_code": "rate_limit_exceeded"})
}

// Hang sends no response until the client gives up. It is for Fail.
func Hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// RefuseClient makes the server refuse the client of kind k with an error code
// such as deleted_client, as after somebody deleted it in the console. With "" the
// server accepts it again.
func (s *Server) RefuseClient(k Kind, errorCode string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[k].refusal = errorCode
}

// RequireReauth makes the server refuse to refresh the tokens that it has issued
// until now, as for an organisation that requires signing in again now and then.
func (s *Server) RequireReauth() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.refresh {
		t.reauth = true
	}
}

// refuseReauth sends Google's response to a refresh for RequireReauth.
func (a *recorder) refuseReauth() {
	a.err = "invalid_grant"
	reply(a, http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_subtype": "invalid_rapt",
		"error_description": "reauth related error (invalid_rapt)", "error_uri": "https://support.google.com/a/answer/9368756"})
}

// TooManyRequests sends status 429, with a Retry-After header unless it is "". It
// is for Fail.
func TooManyRequests(retryAfter string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(http.StatusTooManyRequests)
	}
}

// SendJSON sends a body that is labelled as JSON. It is for Fail.
func SendJSON(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// fields returns the names of a form's fields in order.
func fields(r *http.Request) []string {
	var names []string
	for name := range r.PostForm {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
