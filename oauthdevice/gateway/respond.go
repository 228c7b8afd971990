package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"pickerd/oauthdevice"
)

// Bounds of requests.
const (
	maxHeader   = 16 << 10         // bytes of a request's target and header
	maxForm     = 16 << 10         // bytes of a form
	maxRequest  = 30 * time.Second // for one request as a whole
	maxCallTime = 15 * time.Second // for one request to the upstream server
	maxCalls    = 256              // requests to the upstream server at a time
	maxSaveTime = 10 * time.Second // for storing what the upstream server answered
	maxPing     = 2 * time.Second

	maxHeaderTime = 10 * time.Second
	maxIdleTime   = 90 * time.Second // between two requests of a connection
)

// retryAfter is how long a client waits for a store or a server that is away.
const retryAfter = 5 * time.Second

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	if s.issuer.Scheme == "https" {
		header.Set("Strict-Transport-Security", "max-age=31536000")
	}
	if headerSize(r) > maxHeader {
		http.Error(w, "the request is too large", http.StatusRequestHeaderFieldsTooLarge)
		return
	}
	rc := http.NewResponseController(w)
	// Not every ResponseWriter supports deadlines.
	_ = rc.SetReadDeadline(time.Now().Add(maxRequest))
	_ = rc.SetWriteDeadline(time.Now().Add(maxRequest))
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	ctx, cancel := context.WithTimeout(r.Context(), maxRequest)
	defer cancel()
	s.mux.ServeHTTP(w, r.WithContext(ctx))
}

func headerSize(r *http.Request) int {
	n := len(r.RequestURI) + len(r.URL.Path) + len(r.URL.RawQuery)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return n
}

// HTTPServer returns an http.Server for h, a Server or a handler around one, that
// bounds what slow clients and large headers cost.
func HTTPServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: maxHeaderTime,
		ReadTimeout:       maxRequest,
		WriteTimeout:      2 * maxRequest,
		IdleTimeout:       maxIdleTime,
		MaxHeaderBytes:    maxHeader,
	}
}

// A refusal is an error response to a box (RFC 6749 §5.2, RFC 8628 §3.5).
type refusal struct {
	status      int // 0 means 400
	code        string
	description string // ASCII without quotes and backslashes
	retryAfter  time.Duration
	subtype     string // "error_subtype", a Google extension; as description
}

// Error implements error.
func (e *refusal) Error() string { return e.code + ": " + e.description }

// temporarilyUnavailable is what RFC 6749 §4.1.2.1 calls a server that can't answer
// at the moment.
const temporarilyUnavailable = "temporarily_unavailable"

// errBusy means that a bound on requests is reached.
var errBusy = &refusal{status: http.StatusTooManyRequests, code: temporarilyUnavailable, description: "too many requests", retryAfter: retryAfter}

func refuse(code, description string) error { return &refusal{code: code, description: description} }

// api serves a request of a box. h returns the body of the response. Errors of h
// other than a *refusal are those of the store.
func (s *Server) api(h func(r *http.Request, f form) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f, err := readForm(r)
		var answer any
		if err == nil {
			answer, err = h(r, f)
		}
		if err == nil {
			s.storeWorks()
			writeJSON(w, http.StatusOK, answer)
			return
		}
		e, ok := errors.AsType[*refusal](err)
		if !ok {
			s.storeFailed(err)
			e = &refusal{status: http.StatusServiceUnavailable, code: temporarilyUnavailable, description: "the store is unavailable", retryAfter: retryAfter}
		}
		if e.retryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int((e.retryAfter+time.Second-1)/time.Second)))
		}
		status := e.status
		if status == 0 {
			status = http.StatusBadRequest
		}
		if status == http.StatusUnauthorized && r.Header.Get("Authorization") != "" {
			w.Header().Set("WWW-Authenticate", "Basic") // RFC 6749 §5.2
		}
		body := map[string]string{"error": e.code}
		if e.description != "" {
			body["error_description"] = e.description
		}
		if e.subtype != "" {
			body["error_subtype"] = e.subtype
		}
		writeJSON(w, status, body)
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Pragma", "no-cache") // RFC 6749 §5.1
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a box that has gone asks again
}

// A form has the parameters of a request. None is given twice (RFC 6749 §3.2).
type form map[string]string

// readForm reads the form in the body of a request. Parameters without a value are
// left out (RFC 6749 §3.2).
func readForm(r *http.Request) (form, error) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/x-www-form-urlencoded" {
		return nil, refuse(oauthdevice.InvalidRequest, "the body must be application/x-www-form-urlencoded")
	}
	body, err := io.ReadAll(r.Body)
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return nil, &refusal{status: http.StatusRequestEntityTooLarge, code: oauthdevice.InvalidRequest, description: "the body is too long"}
	}
	if err != nil {
		return nil, refuse(oauthdevice.InvalidRequest, "the body is incomplete")
	}
	f, ok := parseForm(string(body))
	if !ok {
		return nil, refuse(oauthdevice.InvalidRequest, "the body is malformed or has a parameter twice")
	}
	return f, nil
}

// parseForm parses a form or the query of an address.
func parseForm(text string) (form, bool) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, false
	}
	f := form{}
	for name, v := range values {
		if len(v) > 1 {
			return nil, false
		}
		if v[0] != "" {
			f[name] = v[0]
		}
	}
	return f, true
}

// describe returns text from another server as an error_description may have it
// (RFC 6749 §5.2).
func describe(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text)
}
